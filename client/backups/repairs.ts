/** Which backups are to be repaired where: what checks have found damaged, and what a listing alone shows to be lacking. */
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import { walkPlace } from '../../activities/operations/place/walk.ts';
import type { RepairPlace, Wanted } from '../../activities/operations/repair/types.ts';
import type { Site } from '../../activities/site.ts';
import { chainOf, type Catalogued } from '../../activities/storage/catalogue.ts';
import { manifestVerdict } from '../../activities/storage/manifest-file.ts';
import { BackupError } from '../../model/errors.ts';
import { KEY_FILE } from '../../model/paths.ts';
import { matchReference } from '../../model/reference.ts';
import { isDamaged, type BackupEntry, type Overview } from './overview.ts';

/** One backup at one place. */
export interface Candidate {
  readonly wanted: Wanted;
  readonly target: RepairPlace;
}

/** Backups whose manifest a trusted key signed, by the folder that they belong in. */
export async function signedEntries(site: Site, { entries }: Overview): Promise<readonly BackupEntry[]> {
  const trusted = await trustedKeys(site);
  return entries.filter(({ backup }) => manifestVerdict(backup.manifest, trusted) === 'good');
}

/**
 * Those that were named, with what they build on, at every target that holds them or is named itself.
 * @param everywhere the target was named: it gets them even where it holds nothing of them.
 * @throws BackupError `not-found`, `ambiguous`.
 */
export function namedCandidates(
  signed: readonly BackupEntry[],
  references: readonly string[],
  { targets, everywhere }: { readonly targets: readonly RepairPlace[]; readonly everywhere: boolean },
): readonly Candidate[] {
  const backups = signed.map(({ backup }) => backup);
  const chosen = references.flatMap((reference) => chainHere(backups, oneOf(backups, reference)));
  const wanted = [...new Set(chosen)].map((backup): Wanted => ({ backup, catalogue: backups }));
  return targets.flatMap((target) =>
    wanted
      .filter(({ backup }) => everywhere || holds(signed, backup, target))
      .map((one): Candidate => ({ wanted: one, target })),
  );
}

/** What a look at a place shows: a check found it damaged, its manifest is not the signed one, an object is lacking or short. */
export async function damagedCandidates(
  signed: readonly BackupEntry[],
  target: RepairPlace,
  source: string | undefined,
): Promise<readonly Candidate[]> {
  const catalogue = signed.map(({ backup }) => backup);
  const byFolder = Map.groupBy(signed, ({ backup }) => backup.folder);
  const found: Candidate[] = [];
  for await (const { what, folder, objects } of walkPlace(target.store)) {
    const [entry, second] = byFolder.get(folder) ?? [];
    // Nobody else has it; or two that are signed bear one name, which is no damage.
    if (entry === undefined || second !== undefined) continue;
    if (source !== undefined && entry.source !== source) continue;
    const sizes = new Map(objects.map(({ key, bytes }) => [key, bytes]));
    const lacks = entry.backup.manifest.artifacts.some(({ name, bytes }) => sizes.get(`${folder}/${name}`) !== bytes);
    const whole =
      what === 'backup' && !lacks && sizes.has(`${folder}/${KEY_FILE}`) && entry.places.includes(target.name);
    if (!whole || isDamaged(entry, target.name)) found.push({ wanted: { backup: entry.backup, catalogue }, target });
  }
  return found;
}

function holds(signed: readonly BackupEntry[], backup: Catalogued, { name }: RepairPlace): boolean {
  return signed.some((entry) => entry.backup === backup && entry.places.includes(name));
}

function chainHere(backups: readonly Catalogued[], backup: Catalogued): readonly Catalogued[] {
  try {
    return chainOf(backups, backup);
  } catch (error) {
    // A parent that is nowhere: the backup itself can be put right all the same.
    if (error instanceof BackupError) return [backup];
    throw error;
  }
}

function oneOf(backups: readonly Catalogued[], reference: string): Catalogued {
  const names = matchReference(
    reference,
    backups.map(({ name }) => name),
  );
  const found = backups.filter(({ name }) => names.includes(name));
  const [first, second] = found;
  if (first === undefined) {
    throw new BackupError('not-found', `No place holds a backup "${reference}" whose manifest a trusted key signed.`, {
      remedy: 'See `mosaic-backup list` for what there is.',
      facts: { reference },
    });
  }
  if (second !== undefined) {
    throw new BackupError('ambiguous', `"${reference}" means ${found.length} backups, or two that bear one name.`, {
      remedy: `Write more of the one that you mean, as in ${first.name.tier ?? 'logs'}/${first.name.source}/${first.name.id}.`,
      facts: { reference, matches: found.map(({ folder }) => folder) },
    });
  }
  return first;
}
