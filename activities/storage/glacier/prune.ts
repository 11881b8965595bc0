/** Deleting, by the identity that may. */
import type { Pruner } from '../types.ts';
import type { Records } from './records.ts';
import { ifPresent, type Vault } from './vault.ts';

/**
 * The archive first: killed in between, its record says still which it was, and the next prune finishes it. The other
 * way round nobody would know it, and it would be paid for for ever.
 * @param small deletes at the destination that keeps the records.
 */
export function vaultPruner(vault: Vault, records: Records, small: Pruner): Pruner {
  return {
    async remove(key) {
      const own = records.keyAt(key);
      const keys = await records.recordKeys(key);
      const archives = new Set((await records.everyArchive(key)).map(({ archiveId }) => archiveId));
      for (const archiveId of archives) {
        const doing = { doing: `deleting ${key}`, right: 'glacier:DeleteArchive' };
        await vault.call(doing, (glacier) => ifPresent(glacier.deleteArchive({ ...vault.names, archiveId })));
      }
      for (const record of keys) await small.remove(record);
      await small.remove(own);
    },
  };
}
