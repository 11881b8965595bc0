/** A private server that binary logs are replayed on: with an account for it, which is gone afterwards. */
import type { Work } from '../../work.ts';
import { giveTo } from '../private-server/user.ts';
import type { Connection } from './connection.ts';
import { neededArguments } from './engine.ts';
import { ownAccount } from './own-account.ts';
import { serverUser } from './server-user.ts';
import { startServer } from './server.ts';
import { run } from './session.ts';

export interface ReplayServer {
  /** A prepared data folder. */
  readonly data: string;
  /** A folder for its socket and log. */
  readonly runtime: string;
  /** `engine` of the backup's manifest. */
  readonly engine: Readonly<Record<string, unknown>>;
  readonly work: Work;
}

/** Starts it, hands over a connection that may do everything, and stops it in order; like a crash where that fails. */
export async function withReplayServer(
  { data, runtime, engine, work }: ReplayServer,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const { user, password, argument, drop } = await ownAccount(runtime);
  const account = { user, password };
  await giveTo(await serverUser(), data, work.signal);
  const args = [...neededArguments(engine), argument, '--max-allowed-packet=1G'];
  // With accounts: without them a server would refuse the GRANTs and events in the logs.
  const server = await startServer({ data, runtime, signal: work.signal, work, offline: true, args, ...account });
  const connection = { ...server.connection, ...account };
  try {
    await use(connection);
    await run(connection, drop, { signal: work.signal });
    await server.stop();
  } finally {
    await server.stop('immediate');
  }
}
