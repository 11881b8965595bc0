/** What is newer than the backup that a drill recovers, and is not taken: for the report, so that no drill falls back without a word. */
import { BackupError } from '../../../model/errors.ts';
import { orderOf } from '../../../model/manifest.ts';
import { isFolderOf } from '../../../model/paths.ts';
import { formatReference, parseReference, type PinnedReference } from '../../../model/reference.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import { pinned, type Catalogued } from '../../storage/catalogue.ts';
import { readEvidenceOf } from '../../storage/evidence-file.ts';
import type { Left } from './choose.ts';

export interface PassedOver {
  readonly places: readonly Left[];
  /** Keys whose signatures count in what is left. */
  readonly trusted: readonly TrustedKey[];
  readonly chosen: Catalogued;
  /** Backups that recovery points name, and that no place has. */
  readonly absent: readonly PinnedReference[];
  /** References of all backups that recovery points name. */
  readonly named: ReadonlySet<string>;
  /** Whether what was finished then is looked at. */
  readonly isBefore: (finished: string) => boolean;
}

/** One line for each, with its place where it has one. */
export async function passedOver(request: PassedOver): Promise<readonly string[]> {
  return [...absentLines(request), ...unreadableLines(request), ...(await newerLines(request))];
}

function isNewer({ manifest }: Catalogued, chosen: Catalogued): boolean {
  return (
    manifest.source === chosen.manifest.source &&
    manifest.kind !== 'logs' &&
    orderOf(manifest) > orderOf(chosen.manifest)
  );
}

function absentLines({ places, chosen: { name }, absent }: PassedOver): readonly string[] {
  const isUnreadable = (reference: string): boolean => {
    const of = parseReference(reference);
    return of !== undefined && places.some(({ problems }) => problems.some(({ folder }) => isFolderOf(folder, of)));
  };
  const [first, ...more] = [...new Set(absent.map(({ reference }) => reference))].filter((one) => !isUnreadable(one));
  if (first === undefined) return [];
  if (more.length === 0) return [`${first}: recovery points name it, and no place that is left has it`];
  return [
    `${first}, and ${more.length} more of ${name.source}: recovery points name them, and no place that is left has them`,
  ];
}

/** Whose manifest says nothing that counts. */
function unreadableLines({ places, chosen: { name } }: PassedOver): readonly string[] {
  return places.flatMap(({ name: place, problems }) =>
    problems
      .filter(({ folder }) => {
        const [of, id = ''] = folder.split('/').slice(-2);
        // Ids begin with their time.
        return !folder.startsWith('logs/') && of === name.source && id > name.id;
      })
      .map(({ folder, problem }) => `${place}: ${folder} counts as no backup: ${problem}`),
  );
}

/**
 * What the last check at its place found damaged: a recovery point names none of which that was known. And what none names for another reason, as
 * the full behind a restore in place, whose source has other data since.
 */
async function newerLines({ places, trusted, chosen, named, isBefore }: PassedOver): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { name: place, store, catalogue } of places) {
    for (const one of catalogue) {
      const { name, manifest } = one;
      if (!isNewer(one, chosen) || !isBefore(manifest.finished)) continue;
      const reference = formatReference(name);
      try {
        const { sha256 } = pinned(manifest);
        const last = (await readEvidenceOf(store, trusted, name)).findLast(
          ({ backup, destination }) => backup.sha256 === sha256 && (destination ?? REPOSITORY) === place,
        );
        if (last?.verdict === 'failed')
          lines.push(`${place}: ${reference} is damaged, as a check found at ${last.time}`);
        else if (!named.has(reference)) lines.push(`${place}: ${reference} is newer, and stands in no recovery point`);
      } catch (error) {
        // It only tells more.
        if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
        lines.push(`${place}: what checks found of ${reference} cannot be read: ${error.message}`);
      }
    }
  }
  return lines;
}
