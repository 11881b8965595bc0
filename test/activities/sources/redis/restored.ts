/** What a server says that comes up on a restored folder, under settings of a user's own. */
import { command } from '../../../../activities/sources/redis/client.ts';
import { startServer } from '../../../../activities/sources/redis/server.ts';
import { locate } from '../../../../activities/streams/locate.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { testWork } from '../../../support/work.ts';

/** The check that no account with the rights of a backup can make: values of keys. It says so. */
export const UNSEEN = 'values';

export type Run = (...words: readonly string[]) => Promise<string>;

/** Starts a server on a folder, asks it, and stops it. */
export async function onRestored<Result>(
  data: string,
  settings: Readonly<Record<string, string>>,
  ask: (run: Run) => Promise<Result>,
): Promise<Result> {
  const server = await startServer({
    data,
    program: locate('redis-server'),
    runtime: await temporaryFolder(),
    settings: { 'enable-debug-command': 'local', ...settings },
    work: testWork(),
  });
  try {
    return await ask((...words) => command({ connection: server.connection, signal: testWork().signal }, words));
  } finally {
    await server.stop();
  }
}
