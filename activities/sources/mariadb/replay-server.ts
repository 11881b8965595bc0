/** A private server that binary logs are replayed on: with an account for it, which is gone afterwards. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Work } from '../../work.ts';
import { giveTo } from '../private-server/user.ts';
import type { Connection } from './connection.ts';
import { neededArguments } from './engine.ts';
import { serverUser } from './server-user.ts';
import { startServer } from './server.ts';
import { identifier, literal, run } from './session.ts';

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
  const account = {
    user: `mosaic_replay_${randomBytes(6).toString('hex')}`,
    password: randomBytes(18).toString('hex'),
  };
  const init = path.join(runtime, 'init.sql');
  await writeFile(init, accountStatements(account), { mode: 0o600 });
  await giveTo(await serverUser(), data, work.signal);
  const args = [...neededArguments(engine), `--init-file=${init}`, '--max-allowed-packet=1G'];
  // With accounts: without them a server would refuse the GRANTs and events in the logs.
  const server = await startServer({ data, runtime, signal: work.signal, work, offline: true, args, ...account });
  const connection = { ...server.connection, ...account };
  try {
    await use(connection);
    await run(connection, `DROP USER ${nameOf(account.user)}`, { signal: work.signal });
    await server.stop();
  } finally {
    await server.stop('immediate');
  }
}

/** A server reads one statement a line of its init file. */
function accountStatements({ user, password }: { readonly user: string; readonly password: string }): string {
  const name = nameOf(user);
  return [
    `CREATE USER ${name} IDENTIFIED VIA mysql_native_password USING PASSWORD(${literal(password)});`,
    `GRANT ALL PRIVILEGES ON *.* TO ${name} WITH GRANT OPTION;`,
    '',
  ].join('\n');
}

function nameOf(user: string): string {
  return `${identifier(user)}@localhost`;
}
