/** A new, private server with nothing in it, for what is loaded: with accounts, and one of our own among them. */
import type { Work } from '../../work.ts';
import type { BackupReader } from '../types.ts';
import { neededArguments } from './engine.ts';
import { ownAccount } from './own-account.ts';
import { createDataFolder, startServer, type PrivateServer } from './server.ts';

export interface EmptyServer {
  /** Whose engine it is to be like. */
  readonly backup: BackupReader;
  /** Empty folders, which the server's user can reach. */
  readonly data: string;
  readonly runtime: string;
  readonly args: readonly string[];
  readonly work: Work;
}

/** @returns what runs, and the statement that removes our own account. */
export async function startEmpty({
  backup,
  data,
  runtime,
  work,
  ...asked
}: EmptyServer): Promise<{ readonly server: PrivateServer; readonly drop: string }> {
  const needed = neededArguments(backup.manifest.engine);
  await createDataFolder({ data, signal: work.signal, args: needed });
  const { user, password, argument, drop } = await ownAccount(runtime);
  // Without accounts a server knows no events, and would refuse those that come.
  const args = [...needed, ...asked.args, argument];
  const server = await startServer({ data, runtime, signal: work.signal, work, offline: true, args, user, password });
  return { server, drop };
}
