/** Variables that the commands of peers use, and the keys behind them. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newIdentity } from '../../../activities/keys/identity.ts';
import type { Database } from '../data/index.ts';
import { BACKUP_ROLE } from '../data/database.ts';

const PASSWORD = 'of a repository that lives for a minute';

/** For all peers: an age key, and a password for repositories. */
export async function peerEnvironment(work: string): Promise<Readonly<Record<string, string>>> {
  const { identity, recipient } = await newIdentity();
  const file = path.join(work, 'peer-identity.txt');
  await writeFile(file, `${identity}\n`, { mode: 0o600 });
  return { RECIPIENT: recipient, IDENTITY: file, RESTIC_PASSWORD: PASSWORD, BORG_PASSPHRASE: PASSWORD };
}

/** So that client programs reach the database as the backup role. */
export function databaseEnvironment({ server, programs }: Database): Readonly<Record<string, string>> {
  return {
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    PGHOST: server.socket,
    PGPORT: String(server.port),
    PGUSER: BACKUP_ROLE,
  };
}
