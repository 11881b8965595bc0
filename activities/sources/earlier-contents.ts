/**
 * Contents that no inventory has digests of: the first proof of a backup records what it found, and every later one, from whatever place,
 * must find the same. One form for all source types that tell parts from each other.
 */
import { CONTENTS, type Check, type RecordedContents } from '../../model/evidence.ts';
import { some } from './check-results.ts';
import type { BackupReader } from './types.ts';

/** What an earlier proof of a backup recorded. */
export interface EarlierContents {
  readonly digest: string;
  /** Null where its source type tells no parts, or the record cannot be read any more. */
  readonly contents: RecordedContents | null;
  /** By which evidence, where it lies: whoever is told of a difference must be able to doubt the record, too. */
  readonly told: string;
}

export interface FoundContents {
  /** As in the record. */
  readonly way: string;
  /** What they are, for messages: `rows by table`. */
  readonly what: string;
  /** Digests by name, as messages have it; null where it could not be read. */
  readonly parts: ReadonlyMap<string, string | null>;
  /** Of parts that a program wrote out: which one, with its version. Another may write the same otherwise, so these compare with nothing. */
  readonly by?: ReadonlyMap<string, string>;
  /** Names of what a record may hold and that need not be found now: it is compared elsewhere, or its time is over. Asked only where some lack. */
  readonly excused?: () => Iterable<string>;
  /** Whether there may be parts whose names could not be told. */
  readonly partial?: boolean;
  /** What is not among the parts, and why, in words. */
  readonly aside: readonly string[];
}

/** As many parts as a record holds: some 500 kB of evidence with each proof. */
const MOST_PARTS = 10_000;

/** Of a sealed name or digest so many digits are kept: it tells damage, and no two of some thousand names are the same. */
const DIGITS = 16;

/** Of what could be read neither then nor now, and what is not among the parts: else the report would hold nothing of it. */
const LEFT_OUT = 'contents left out';

/** What was found against the oldest record of the same way; or the record for later ones. And whatever is in neither. */
export function contentsChecks(
  backup: Pick<BackupReader, 'seal'>,
  found: FoundContents,
  earlier: readonly EarlierContents[],
): readonly Check[] {
  const { way, what, parts, aside, partial = false } = found;
  const records = earlier.flatMap(({ contents, told }) => (contents?.way === way ? [{ ...contents, told }] : []));
  const [known] = records;
  // Nothing is no record. Against one it is a finding.
  if (parts.size === 0 && !known) return leftOut(aside);
  if (parts.size > MOST_PARTS) {
    const detail = `not recorded for later proofs: ${what}, ${parts.size} in all, and a record holds ${MOST_PARTS}`;
    return [{ name: CONTENTS, compared: false, ok: true, detail }, ...leftOut(aside)];
  }
  const sealed = sealedParts(backup, found);
  const contents: RecordedContents = {
    way,
    parts: Object.fromEntries(sealed.values()),
    ...(partial && { partial }),
  };
  const sorted = [...sealed.values()].toSorted(([one], [two]) => (one < two ? -1 : 1));
  const record = { digest: backup.seal(JSON.stringify([way, ...sorted])), contents };
  if (!known) {
    const unread = [...parts].filter(([, digest]) => digest === null).map(([part]) => part);
    const other = earlier[0] ? `; ${whyOther(earlier[0], way)}` : '';
    const detail = `recorded for later proofs: ${what}, ${parts.size - unread.length} in all${other}`;
    const unreadable = unread.length === 0 ? [] : [`${some(unread)}: cannot be read here`];
    return [{ name: CONTENTS, compared: false, ok: true, detail, ...record }, ...leftOut([...aside, ...unreadable])];
  }
  const lacking = lackingOf(backup, found, sealed, known);
  const difference: Difference = { standings: standingsIn(sealed, records), lacking, known };
  const rest = [...aside, ...incomparable(found, difference)];
  return [{ name: CONTENTS, ...judged(found, difference), ...record }, ...leftOut(rest)];
}

function leftOut(why: readonly string[]): readonly Check[] {
  return why.length === 0 ? [] : [{ name: LEFT_OUT, compared: false, ok: true, detail: why.join('; ') }];
}

type Sealed = ReadonlyMap<string, readonly [name: string, digest: string | null]>;

function sealedParts(backup: Pick<BackupReader, 'seal'>, { way, parts, by }: FoundContents): Sealed {
  return new Map(
    [...parts].map(([name, digest]) => {
      const written = by?.get(name);
      const own = digest === null ? null : short(backup, 'digest', way, name, digest);
      return [name, [sealedName(backup, name), own === null || written === undefined ? own : `${own} ${written}`]];
    }),
  );
}

function sealedName(backup: Pick<BackupReader, 'seal'>, name: string): string {
  return short(backup, 'name', name);
}

function short({ seal }: Pick<BackupReader, 'seal'>, ...texts: readonly string[]): string {
  return seal(JSON.stringify(texts)).slice(0, DIGITS);
}

type Recorded = RecordedContents & Pick<EarlierContents, 'told'>;

/** How a part stands to what is on record of it, and by which record. */
interface Standing {
  readonly part: string;
  readonly kind: 'equal' | 'different' | 'added' | 'unread' | 'otherwise';
  readonly told: string;
}

interface Difference {
  readonly standings: readonly Standing[];
  /** How many the record names that are not here, though they ought to be: only it knew what they are called. */
  readonly lacking: number;
  /** The oldest record of the way. */
  readonly known: Recorded;
}

/** By the oldest record that a part compares with: what one could not read, or another program wrote out, a later one may tell. */
function standingsIn(sealed: Sealed, records: readonly Recorded[]): readonly Standing[] {
  return [...sealed].map(([part, [name, digest]]) => {
    const all = records.map(({ parts, told }) => ({ part, kind: kindOf(digest, parts[name]), told }));
    const comparable = all.find(({ kind }) => kind === 'equal' || kind === 'different');
    const there = comparable ?? all.find(({ kind }) => kind !== 'added') ?? all[0];
    return there ?? { part, kind: 'added', told: '' };
  });
}

function kindOf(digest: string | null, before: string | null | undefined): Standing['kind'] {
  if (before === undefined) return digest === null ? 'unread' : 'added';
  if (digest === null || before === null) return 'unread';
  if (digest === before) return 'equal';
  const written = (text: string): string => text.slice(DIGITS);
  return written(digest) === written(before) ? 'different' : 'otherwise';
}

function lackingOf(
  backup: Pick<BackupReader, 'seal'>,
  { excused }: FoundContents,
  sealed: Sealed,
  known: RecordedContents,
): number {
  const lacking = new Set(Object.keys(known.parts));
  for (const [name] of sealed.values()) lacking.delete(name);
  if (lacking.size === 0) return 0;
  for (const name of excused?.() ?? []) {
    lacking.delete(sealedName(backup, name));
    if (lacking.size === 0) return 0;
  }
  return lacking.size;
}

/** The same backup holds the same parts: one that lacks, or one more, is a difference too, where all names could be told then and now. */
function judged(
  { what, partial = false }: FoundContents,
  { standings, lacking, known }: Difference,
): Pick<Check, 'compared' | 'ok' | 'detail'> {
  const [different, added] = [those(standings, 'different'), those(standings, 'added')];
  const both = different.length + those(standings, 'equal').length;
  const told = different.length === 0 ? known.told : [...new Set(different.map((one) => one.told))].join(', ');
  const before = `what an earlier proof found, ${told}`;
  const wrong = [
    ...(different.length === 0 ? [] : [`${different.length} of ${both} differ from ${before}: ${names(different)}`]),
    ...(lacking === 0 || partial ? [] : [`${lacking} of ${before}, are not here`]),
    ...(added.length === 0 || known.partial ? [] : [`not among ${before}: ${names(added)}`]),
  ];
  if (wrong.length > 0) return { compared: true, ok: false, detail: `${what}: ${wrong.join('; ')}` };
  if (both === 0) return { compared: false, ok: true, detail: `nothing to compare with ${before}` };
  return { compared: true, ok: true, detail: `${what}, ${both} in all, are ${before}` };
}

function incomparable(
  { by, partial = false }: FoundContents,
  { standings, lacking, known }: Difference,
): readonly string[] {
  const [unread, otherwise, added] = [
    those(standings, 'unread'),
    those(standings, 'otherwise'),
    those(standings, 'added'),
  ];
  const writers = [...new Set(otherwise.map(({ part }) => by?.get(part) ?? 'another program'))].join(', ');
  return [
    ...(unread.length === 0 ? [] : [`${names(unread)}: could not be read, then or now`]),
    ...(otherwise.length === 0 ? [] : [`${names(otherwise)}: written out by ${writers} now, by another then`]),
    ...(added.length > 0 && known.partial ? [`${names(added)}: not in that record, which is not of everything`] : []),
    ...(lacking > 0 && partial ? [`${lacking} of that record: not everything could be told by name now`] : []),
  ];
}

function those(standings: readonly Standing[], kind: Standing['kind']): readonly Standing[] {
  return standings.filter((one) => one.kind === kind);
}

function names(standings: readonly Standing[]): string {
  return some(standings.map(({ part }) => part));
}

function whyOther({ contents, told }: EarlierContents, way: string): string {
  return contents === null
    ? `what an earlier proof found, ${told}, cannot be read`
    : `what an earlier proof found, ${told}, compares with nothing here: it is of "${contents.way}", this of "${way}"`;
}
