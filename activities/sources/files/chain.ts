/** Chains of backups opened for reading. */
import { BackupError } from '../../../model/errors.ts';
import type { BackupReader } from '../types.ts';
import type { Program } from '../../streams/types.ts';

/** The newest backup of a chain: what a restore gives. */
export function newestOf(chain: readonly BackupReader[]): BackupReader {
  const newest = chain.at(-1);
  if (newest) return newest;
  throw new BackupError('usage', 'nothing to restore: the chain is empty');
}

/** Streams a backup's archive into a program. */
export async function intoProgram(backup: BackupReader, consumer: Program): Promise<void> {
  const archive = backup.manifest.artifacts.find(({ role }) => role === 'base');
  if (!archive) throw new BackupError('verification-failed', `${backup.manifest.id} has no archive`);
  await backup.into('base', archive.name, consumer);
}
