/** Deleting, by the identity that may. */
import type { Pruner } from '../types.ts';
import { tagOf, type Records } from './records.ts';
import { ifPresent, type Vault } from './vault.ts';

/**
 * The archive first: killed in between, its record says still which it was, and the next prune finishes it. The other
 * way round nobody would know it, and it would be paid for for ever.
 * @param small deletes at the destination that keeps the records.
 */
export function vaultPruner(vault: Vault, records: Records, small: Pruner): Pruner {
  const others = othersOf(records);
  return {
    async remove(key) {
      const own = records.keyAt(key);
      const keys = await records.recordKeys(key);
      const archives = new Set((await records.everyArchive(key)).map(({ archiveId }) => archiveId));
      for (const archiveId of archives) {
        if (await others.name(archiveId, key)) continue;
        const doing = { doing: `deleting ${key}`, right: 'glacier:DeleteArchive' };
        await vault.call(doing, (glacier) => ifPresent(glacier.deleteArchive({ ...vault.names, archiveId })));
      }
      for (const record of keys) await small.remove(record);
      others.forget(key);
      await small.remove(own);
    },
  };
}

interface Others {
  /** Whether a record of another artifact names the archive as well. */
  name(archiveId: string, key: string): Promise<boolean>;
  /** An artifact has no records any more. */
  forget(key: string): void;
}

/**
 * Whoever may write there could put a record among those of a backup that is due, which names the archive of another one:
 * an archive goes with the last artifact that names it.
 */
function othersOf(records: Records): Others {
  let named: ReadonlyMap<string, Set<string>> = new Map();
  return {
    async name(archiveId, key) {
      const tag = tagOf(archiveId);
      // What came since it was listed is listed again.
      if (!named.get(tag)?.has(key)) named = await records.namedBy();
      return [...(named.get(tag) ?? [])].some((other) => other !== key);
    },
    forget(key) {
      for (const keys of named.values()) keys.delete(key);
    },
  };
}
