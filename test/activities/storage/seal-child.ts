/** An attempt that captures, says where its staging is, stops itself right before the seal, and seals when it wakes. */
import { acquireLease } from '../../../activities/storage/lease.ts';
import { createStaging, sealBackup } from '../../../activities/storage/repository.ts';
import { BackupError } from '../../../model/errors.ts';
import { fillFolder, testBackup } from '../../support/backups.ts';

const { root, state } = JSON.parse(process.argv[2] ?? '') as { readonly root: string; readonly state: string }; // written by the test beside
const { signal } = new AbortController();
const lease = await acquireLease({ state, name: 'postgres', step: 'daily/postgres', attempt: 1, wait: 0, signal });
const staging = await createStaging(root, 'postgres-1');
const artifacts = { 'base.tar.zst.age': Buffer.from('by the first attempt') };
const backup = testBackup({ artifacts });
await fillFolder(staging, backup.manifest, artifacts);
process.stdout.write(`${staging}\n`);
process.kill(process.pid, 'SIGSTOP');
try {
  process.stdout.write(`${await sealBackup({ root, staging, folder: backup.folder, lease })}\n`);
} catch (error) {
  if (!(error instanceof BackupError)) throw error;
  process.stdout.write(`${error.code}\n`);
}
