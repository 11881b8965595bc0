/** Chains of backups opened for reading. */
import { BackupError } from '../../../model/errors.ts';
import { openFolders } from '../../storage/open-folders.ts';
import type { Program } from '../../streams/types.ts';
import type { Work } from '../../work.ts';
import type { BackupReader } from '../types.ts';
import { isRoot } from './tar.ts';

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

/**
 * Before the next archive of a chain: whoever is not root could change nothing in folders that the one before has left read-only or closed. That
 * archive has all folders again, and gives them their modes.
 */
export async function makeWritable(restored: string, { signal }: Pick<Work, 'signal'>): Promise<void> {
  if (!isRoot()) await openFolders(restored, { signal });
}
