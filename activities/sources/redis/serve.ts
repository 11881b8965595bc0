/** A restored data folder on which a private server runs and is asked: see ../service.ts. */
import type { RedisSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { answerOf } from '../private-server/answer.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import { newestOf } from '../newest.ts';
import type { ServeContext, Service } from '../service.ts';
import { newestBeat } from './canary.ts';
import { readInventory } from './inventory.ts';
import { lastWrite } from './last-write.ts';
import { lackOfMemory } from './memory.ts';
import { positionOf } from './position.ts';
import { lackOfPrograms, startIsolated } from './private-start.ts';
import { engineOf, findPrograms } from './programs.ts';
import { askBySocket } from './question.ts';

/** @throws BackupError `refused` where this machine cannot start it, `program-failed` where it does not start. */
export async function serve(context: ServeContext<RedisSource>): Promise<Service> {
  const { chain, config, restored, scratch, sandbox, work } = context;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a server on no backup');
  const { manifest } = backup;
  const engine = engineOf(manifest);
  const programs = await findPrograms(engine, sandbox);
  if (!programs) throw refused(lackOfPrograms(engine));
  const lack = await lackOfMemory(engine);
  if (lack !== undefined) throw refused(lack);
  const position = positionOf(manifest);
  const inventory = await readInventory(backup);
  const server = await startIsolated({ data: restored, programs, position, inventory, runtime: scratch, work });
  const { pid, activity, socket } = server;
  return {
    command: server.command,
    // No client of Redis' looks for it by itself: a program of the user's is told by this one.
    env: { REDIS_SOCKET: socket },
    running: () => server.running(),
    ask: (question, asking) =>
      whileServerWorks({ pid, activity, phase: 'asking', work: asking }, ({ signal }) =>
        answerOf(askBySocket(socket, question, signal)),
      ),
    newest: async (asking) =>
      newestOf({
        canary: config.canary && (await newestBeat({ connection: server.connection, signal: asking.signal })),
        commit: await lastWrite(restored, position, programs, asking),
      }),
    stop: () => server.stop(),
  };
}

function refused(why: string): BackupError {
  return new BackupError('refused', `No Redis server can be started on what was restored: ${why}`);
}
