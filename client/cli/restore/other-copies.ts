/** A backup that is not there, is damaged, lacks a file, or lies frozen where it is read from: whoever restores is told which place has another copy. */
import { requireThawed } from '../../../activities/operations/thaw/require.ts';
import type { Site } from '../../../activities/site.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import { BackupError } from '../../../model/errors.ts';
import { matchReference } from '../../../model/reference.ts';
import { isDamaged, readOverview, type BackupEntry } from '../../backups/overview.ts';
import { openPlace, REPOSITORY } from '../../backups/places.ts';
import type { Cli } from '../context.ts';

/**
 * The failure of a restore with the option that takes another copy, where there is one that can be read now.
 * @param from the destination that was read from; undefined for the repository.
 */
export async function withOtherCopies(cli: Cli, from: string | undefined, error: unknown): Promise<unknown> {
  if (!(error instanceof BackupError)) return error;
  const { code, message, facts, retryable } = error;
  const { reference, artifact, manifest } = facts;
  if (code === 'not-found' && artifact === undefined) return withPlaces(await cli.site(), from ?? REPOSITORY, error);
  if (typeof reference !== 'string' || (artifact === undefined && code !== 'frozen')) return error;
  const site = await cli.site();
  const { entries } = await readOverview(site);
  const same = entries.filter((entry) => entry.sha256 === manifest);
  const holding = same
    .flatMap((entry) => entry.places.filter((place) => !isDamaged(entry, place)))
    .filter((place) => !triedBy(error, from).includes(place));
  const places = await readableOf(site, same[0]?.backup, holding);
  const [first, ...more] = places;
  const others = more.length === 0 ? '' : ` (or ${more.join(', ')})`;
  if (code === 'frozen' && first === undefined) return error;
  if (code === 'frozen') {
    const other = `At once: the same command with --from ${first}${others}. Else: ${error.remedy ?? ''}`;
    return new BackupError(code, message, { remedy: other, facts: { ...facts, places }, cause: error, retryable });
  }
  const remedy =
    first === undefined
      ? `No other place that can be looked at holds a good copy of ${reference}: restore another backup.`
      : `Use another copy of ${reference}: the same command with --from ${first}${others}. Or restore another backup.`;
  return new BackupError(code, message, { remedy, facts: { ...facts, places }, cause: error, retryable });
}

/** Places that the restore has looked at itself. */
function triedBy({ facts: { tried } }: BackupError, from: string | undefined): readonly string[] {
  return Array.isArray(tried) ? tried : [from ?? REPOSITORY];
}

/** There is none where it was looked for, as on a host that did not make it: which places have it. */
async function withPlaces(site: Site, from: string, error: BackupError): Promise<BackupError> {
  const { code, message, facts, retryable } = error;
  const { source, reference, newest } = facts;
  // Of a source that has some, none of them good, more is said already.
  if (newest !== undefined) return error;
  const { entries } = await readOverview(site);
  const whole = entries.filter(({ backup }) => backup.manifest.kind !== 'logs');
  const meant =
    typeof reference === 'string' ? named(entries, reference) : whole.filter((one) => one.source === source);
  const places = [...new Set(meant.flatMap((entry) => entry.places.filter((place) => !isDamaged(entry, place))))];
  const tried = triedBy(error, from);
  const [first, ...more] = places.filter((place) => !tried.includes(place));
  if (first === undefined) return error;
  const others = more.length === 0 ? '' : ` (or ${more.join(', ')})`;
  const remedy = `It is at another place: the same command with --from ${first}${others}.`;
  return new BackupError(code, message, { remedy, facts: { ...facts, places }, cause: error, retryable });
}

/** The one backup of this reference; none where it means none, or several. */
function named(entries: readonly BackupEntry[], reference: string): readonly BackupEntry[] {
  const wanted = matchReference(
    reference,
    entries.map(({ backup }) => backup.name),
  );
  const found = entries.filter(({ backup }) => wanted.includes(backup.name));
  return wanted.length === 1 ? found : [];
}

/** Without those where it lies frozen itself; a place that cannot be asked is left out as well. */
async function readableOf(
  site: Site,
  backup: Catalogued | undefined,
  places: readonly string[],
): Promise<readonly string[]> {
  if (backup === undefined) return places;
  const readable: string[] = [];
  for (const place of places) {
    try {
      const { store } = await openPlace(site, place === REPOSITORY ? null : place);
      await requireThawed(store, { chain: [backup] });
      readable.push(place);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
    }
  }
  return readable;
}
