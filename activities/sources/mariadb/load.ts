/** A dump loaded into a new, private server, so that what is restored is a data folder as well. */
import { mkdir, rename, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import { giveTo } from '../private-server/user.ts';
import type { BackupReader } from '../types.ts';
import { startEmpty } from './empty-server.ts';
import { serverUser } from './server-user.ts';
import { clientProgram } from './session.ts';

const WORKSHOP = '.mosaic-load';

/** @throws BackupError `verification-failed` where a statement of the dump fails. */
export async function loadDump(backup: BackupReader, scratch: string, work: Work): Promise<void> {
  const base = backup.manifest.artifacts.find(({ role }) => role === 'base');
  if (!base) throw new BackupError('verification-failed', `${backup.manifest.id} has no dump`);
  const workshop = path.join(scratch, WORKSHOP);
  const data = path.join(workshop, 'data');
  const runtime = path.join(workshop, 'run');
  for (const folder of [workshop, data, runtime]) await mkdir(folder, { mode: 0o700 });
  // All the way down from here: the server's user must pass, and nobody else.
  await giveTo(await serverUser(), scratch, work.signal);
  const { server, drop } = await startEmpty({ backup, data, runtime, args: FAST, work });
  try {
    await backup.into(
      'base',
      base.name,
      // Its own account is gone before the dump's come: with them it could not log in any more, to remove it.
      clientProgram(server.connection, ['--binary-mode', '--max-allowed-packet=1G', `--init-command=${drop}`]),
    );
    await server.stop();
  } finally {
    await server.stop('immediate');
  }
  for (const name of await readdir(data)) await rename(path.join(data, name), path.join(scratch, name));
  await rm(workshop, { recursive: true });
}

/** Killed while it loads, all of it is thrown away; in the end it is stopped in order, and durable. */
const FAST = ['--innodb-flush-log-at-trx-commit=0', '--max-allowed-packet=1G', '--innodb-log-file-size=256M'] as const;
