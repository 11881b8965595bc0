/** A restored cluster that runs privately and is asked: see ../service.ts. */
import type { PostgresSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { answerOf } from '../private-server/answer.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import { newestOf } from '../newest.ts';
import { notedLastCommit } from '../recovered-note.ts';
import type { ServeContext, Service } from '../service.ts';
import { newestBeat } from './canary.ts';
import { startable, startIsolated } from './private-start.ts';
import { withSession } from './session.ts';

/** As many as PostgreSQL itself lets in: programs of the user's are tried on it. */
const SETTINGS = { cluster_name: 'mosaic-backup', max_connections: '100' } as const;

const READ_ONLY = '-c default_transaction_read_only=on';

/** @throws BackupError `refused` where this machine cannot start it, `program-failed` where it does not start. */
export async function serve(context: ServeContext<PostgresSource>): Promise<Service> {
  const { chain, config, restored, scratch, sandbox, work } = context;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a server on no backup');
  const start = await startable(backup, restored, sandbox);
  if (!start.possible) {
    throw new BackupError('refused', `No PostgreSQL server can be started on what was restored: ${start.why}`);
  }
  const { binaries, superuser } = start;
  const { manifest } = backup;
  const server = await startIsolated({
    data: restored,
    binaries,
    superuser,
    runtime: scratch,
    settings: SETTINGS,
    work,
  });
  const { database } = config.connection;
  const connection = { ...server.connection, database };
  return {
    command: server.command,
    env: {
      PGHOST: connection.host,
      PGPORT: String(connection.port),
      PGUSER: connection.user,
      PGDATABASE: database,
      PGOPTIONS: connection.options ?? '',
    },
    running: () => server.running(),
    ask: (question, asking) =>
      whileServerWorks({ pid: server.pid, activity: server.activity, phase: 'asking', work: asking }, ({ signal }) => {
        const options = { application: 'mosaic-backup question', database: question.database ?? database, signal };
        const asked = question.readOnly
          ? { ...connection, options: `${connection.options ?? ''} ${READ_ONLY}` }
          : connection;
        return answerOf(withSession(asked, options, (session) => session.printed(question.text)));
      }),
    newest: async ({ signal }) =>
      newestOf({
        canary: config.canary && (await newestBeat(connection, signal)),
        commit: await notedLastCommit(restored, manifest),
      }),
    stop: () => server.stop(),
  };
}
