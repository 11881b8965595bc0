/** A restored data folder on which a private server runs and is asked: see ../service.ts. */
import type { MariadbSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { runProgram } from '../../streams/run.ts';
import { answerOf } from '../private-server/answer.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import { newestOf } from '../newest.ts';
import { notedLastCommit } from '../recovered-note.ts';
import type { Question, ServeContext, Service } from '../service.ts';
import { newestBeat } from './canary.ts';
import type { Connection } from './connection.ts';
import { clientError } from './errors.ts';
import { hindranceOf, startIsolated } from './private-start.ts';
import { clientProgram } from './session.ts';

/** @throws BackupError `refused` where this machine cannot start it, `program-failed` where it does not start. */
export async function serve(context: ServeContext<MariadbSource>): Promise<Service> {
  const { chain, config, restored, scratch, work } = context;
  const manifest = chain.at(-1)?.manifest;
  if (!manifest) throw new TypeError('a server on no backup');
  const hindrance = await hindranceOf(manifest);
  if (hindrance !== undefined) {
    throw new BackupError('refused', `No MariaDB server can be started on what was restored: ${hindrance}`);
  }
  const server = await startIsolated({ data: restored, runtime: scratch, manifest, work });
  const { connection, pid } = server;
  return {
    command: server.command,
    // It lets in whoever reaches the socket.
    env: { MYSQL_UNIX_PORT: connection.socket ?? '', MYSQL_HOST: 'localhost' },
    running: () => server.running(),
    ask: (question, asking) =>
      whileServerWorks({ pid, phase: 'asking', work: asking }, ({ signal }) =>
        answerOf(ask(connection, question, signal)),
      ),
    newest: async ({ signal }) =>
      newestOf({
        canary: config.canary && (await newestBeat(connection, signal)),
        commit: await notedLastCommit(restored, manifest),
      }),
    stop: () => server.stop(),
  };
}

/** In binary mode the client has no commands of its own in what it reads, as of a shell. Line breaks in values are escaped. */
const AS_IT_PRINTS = ['--binary-mode', '--skip-raw', '--local-infile=0'] as const;

async function ask(connection: Connection, { text, database }: Question, signal: AbortSignal): Promise<string> {
  const program = clientProgram(connection, [
    ...AS_IT_PRINTS,
    ...(database === undefined ? [] : [`--database=${database}`]),
  ]);
  try {
    return (await runProgram(program, { signal, input: text })).stdout;
  } catch (error) {
    if (error instanceof BackupError && error.code === 'program-failed') throw clientError(error, connection);
    throw error;
  }
}
