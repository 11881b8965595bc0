/** A backup restored into scratch for as long as somebody reads from it. */
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { BackupReader } from '../sources/types.ts';
import { requireSpace } from '../storage/space.ts';
import { withScratch } from '../storage/scratch.ts';
import { whileReading } from './being-read.ts';
import { openChain, plainBytes, PROOF, restoreInto, type RestoreRequest } from './restore.ts';
import { requireThawed } from './thaw/require.ts';

export interface WithRestored extends Pick<RestoreRequest, 'site' | 'store' | 'chain' | 'work'> {
  /** A folder in which scratch folders may be made; nothing stays in it. */
  readonly within: string;
}

export interface InScratch {
  readonly restored: string;
  /** An empty folder beside it that an unprivileged user may pass. */
  readonly scratch: string;
  readonly chain: readonly BackupReader[];
}

/** Removes everything whatever happens. @throws BackupError as `restoreBackup`. */
export async function withRestored<T>(request: WithRestored, use: (at: InScratch) => Promise<T>): Promise<T> {
  const { site, store, chain: backups, within, work } = request;
  await requireThawed(store, { chain: backups });
  await mkdir(within, { recursive: true });
  await requireSpace({ path: within, needed: plainBytes(backups) });
  return whileReading({ site, backups, work }, async () => {
    const chain = await openChain(request);
    return withScratch(within, PROOF, async (folder) => {
      // A database server must pass through as an unprivileged user; what is restored below stays closed to others.
      await chmod(folder, 0o711);
      const [restored, scratch] = [path.join(folder, 'restored'), path.join(folder, 'run')];
      await mkdir(restored, { mode: 0o700 });
      await mkdir(scratch, { mode: 0o711 });
      await restoreInto({ ...request, to: restored, paths: [] }, chain, restored);
      return use({ restored, scratch, chain });
    });
  });
}
