/** What lies frozen is refused before anything is fetched: half a restore that then stands still for two days helps nobody. */
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import type { ThawFacts } from '../../../model/thaw.ts';
import { formatBytes } from '../../../model/units.ts';
import { pinned, type Catalogued } from '../../storage/catalogue.ts';
import type { Store } from '../../storage/types.ts';
import { lookAt, objectsToRestore, type BulkObject } from './objects.ts';

/**
 * @param backups what is to be restored: the chain, and logs.
 * @param objects what is read of it; all but exports when absent.
 * @throws BackupError `frozen` unless all of it can be read now.
 */
export async function requireThawed(
  { thawing }: Store,
  backups: readonly Catalogued[],
  objects: readonly BulkObject[] = objectsToRestore(backups),
): Promise<void> {
  const wanted = backups.findLast(({ manifest }) => manifest.kind !== 'logs');
  if (thawing === undefined || wanted === undefined) return;
  const facts = await lookAt(thawing, objects);
  if (facts.readable.objects < facts.all.objects) throw frozen(thawing.destination, wanted, facts);
}

/** @param options what else the command must be told, as in ` --at end`. */
export function frozen(destination: string, backup: Catalogued, facts: ThawFacts, options = ''): BackupError {
  const reference = formatReference(backup.name);
  const { all, frozen: asleep, thawing } = facts;
  const lie = `${asleep.objects} of ${all.objects} objects (${formatBytes(asleep.bytes)}) lie frozen at ${destination}`;
  const come = `${thawing.objects} (${formatBytes(thawing.bytes)}) were asked for and are not there yet`;
  const what = asleep.objects === 0 ? `at ${destination} ${come}` : thawing.objects === 0 ? lie : `${lie}, ${come}`;
  return new BackupError('frozen', `${reference} cannot be read now: ${what}. Nothing was fetched.`, {
    remedy: `mosaic-backup copies thaw ${reference} --from ${destination}${options} says what it takes and costs, asks for it with --yes, and waits.`,
    facts: {
      reference,
      manifest: pinned(backup.manifest).sha256,
      destination,
      objects: all.objects,
      bytes: all.bytes,
      frozen: asleep.objects,
      frozenBytes: asleep.bytes,
      thawing: thawing.objects,
      thawingBytes: thawing.bytes,
    },
  });
}
