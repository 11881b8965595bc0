/** Restore: the whole chain, or single paths out of it. */
import type { FilesSource } from '../../../model/config/source.ts';
import type { RestoreContext } from '../types.ts';
import { intoProgram, makeWritable } from './chain.ts';
import { restorePaths } from './restore-paths.ts';
import { extractArchive } from './tar.ts';

/**
 * Extracts each archive of the chain in order; tar replays what incrementals say of deleted files.
 * @throws BackupError `not-found` for a path that the newest backup does not have, naming those that come near.
 */
export async function restore(context: RestoreContext<FilesSource>): Promise<void> {
  if (context.paths.length > 0) return restorePaths(context);
  for (const [index, backup] of context.chain.entries()) {
    if (index > 0) await makeWritable(context.scratch, context.work);
    await intoProgram(backup, extractArchive(context.scratch, undefined));
  }
}
