/** What lies frozen is refused before anything is fetched: half a restore that then stands still for two days helps nobody. */
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import { isThawed, targetOptions, type ThawFacts } from '../../../model/thaw.ts';
import { formatBytes } from '../../../model/units.ts';
import { pinned, type Catalogued } from '../../storage/catalogue.ts';
import type { Store } from '../../storage/types.ts';
import { lookAt, objectsToRestore, type BulkObject } from './objects.ts';

export interface Needed {
  /** Full first. */
  readonly chain: readonly Catalogued[];
  /** Logs to replay on it, and how far. */
  readonly replay?: { readonly logs: readonly Catalogued[]; readonly target: RestoreTarget } | null | undefined;
  /** What is read of them; all but exports when absent. */
  readonly objects?: readonly BulkObject[];
}

/** @throws BackupError `frozen` unless all that a restore reads can be read now. */
export async function requireThawed({ thawing }: Store, { chain, replay, objects }: Needed): Promise<void> {
  const wanted = chain.at(-1);
  if (thawing === undefined || wanted === undefined) return;
  const facts = await lookAt(thawing, objects ?? objectsToRestore([...chain, ...(replay?.logs ?? [])]));
  if (isThawed(facts)) return;
  throw frozen(thawing.destination, wanted, facts, { target: replay?.target ?? null });
}

interface Asked {
  /** How far logs are replayed: they are to be thawed as well. */
  readonly target?: RestoreTarget | null;
  /** What brings it back besides. */
  readonly also?: string;
}

export function frozen(
  destination: string,
  backup: Catalogued,
  facts: ThawFacts,
  { target = null, also = '' }: Asked = {},
): BackupError {
  const reference = formatReference(backup.name);
  const { all, frozen: asleep, thawing } = facts;
  const lie = `${asleep.objects} of ${all.objects} objects (${formatBytes(asleep.bytes)}) lie frozen at ${destination}`;
  const come = `${thawing.objects} (${formatBytes(thawing.bytes)}) were asked for and are not there yet`;
  const what = asleep.objects === 0 ? `at ${destination} ${come}` : thawing.objects === 0 ? lie : `${lie}, ${come}`;
  return new BackupError('frozen', `${reference} cannot be read now: ${what}. Nothing was fetched.`, {
    remedy: `mosaic-backup copies thaw ${reference} --from ${destination}${targetOptions(target)} says what it takes and costs, and with --yes asks for it and waits.${also}`,
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
