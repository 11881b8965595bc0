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
  const { way, what, parts, aside } = found;
  if (parts.size === 0) return leftOut(aside);
  if (parts.size > MOST_PARTS) {
    const detail = `not recorded for later proofs: ${what}, ${parts.size} in all, and a record holds ${MOST_PARTS}`;
    return [{ name: CONTENTS, compared: false, ok: true, detail }, ...leftOut(aside)];
  }
  const sealed = sealedParts(backup, way, parts);
  const contents: RecordedContents = { way, parts: Object.fromEntries(sealed.values()) };
  const sorted = [...sealed.values()].toSorted(([one], [two]) => (one < two ? -1 : 1));
  const record = { digest: backup.seal(JSON.stringify([way, ...sorted])), contents };
  const known = earlier.find((one) => one.contents?.way === way);
  const unread = [...parts].filter(([, digest]) => digest === null).map(([part]) => part);
  if (!known?.contents) {
    const other = earlier[0] ? `; ${whyOther(earlier[0], way)}` : '';
    const detail = `recorded for later proofs: ${what}, ${parts.size - unread.length} in all${other}`;
    const unreadable = unread.length === 0 ? [] : [`${some(unread)}: cannot be read here`];
    return [{ name: CONTENTS, compared: false, ok: true, detail, ...record }, ...leftOut([...aside, ...unreadable])];
  }
  const { check, unknown } = compared(what, sealed, known.contents.parts, known.told);
  const others = unknown.length === 0 ? [] : [`${some(unknown)}: could not be read, then or now`];
  return [{ name: CONTENTS, ...check, ...record }, ...leftOut([...aside, ...others])];
}

function leftOut(why: readonly string[]): readonly Check[] {
  return why.length === 0 ? [] : [{ name: LEFT_OUT, compared: false, ok: true, detail: why.join('; ') }];
}

type Sealed = ReadonlyMap<string, readonly [name: string, digest: string | null]>;

function sealedParts({ seal }: Pick<BackupReader, 'seal'>, way: string, parts: FoundContents['parts']): Sealed {
  const short = (...texts: readonly string[]): string => seal(JSON.stringify(texts)).slice(0, DIGITS);
  return new Map(
    [...parts].map(([name, digest]) => [
      name,
      [short('name', name), digest === null ? null : short('digest', way, name, digest)],
    ]),
  );
}

/** What is not there any more is for the checks of the inventory to tell, which has its name. */
function compared(
  what: string,
  sealed: Sealed,
  known: RecordedContents['parts'],
  told: string,
): { readonly check: Pick<Check, 'compared' | 'ok' | 'detail'>; readonly unknown: readonly string[] } {
  const both: string[] = [];
  const unknown: string[] = [];
  const different: string[] = [];
  for (const [part, [name, digest]] of sealed) {
    const before = known[name];
    if (digest === null || typeof before !== 'string') unknown.push(part);
    else both.push(part);
    if (digest !== null && typeof before === 'string' && before !== digest) different.push(part);
  }
  return { check: judged(), unknown };

  function judged(): Pick<Check, 'compared' | 'ok' | 'detail'> {
    if (different.length > 0) {
      const detail = `${what}: ${different.length} of ${both.length} differ from what an earlier proof found, ${told}: ${some(different)}`;
      return { compared: true, ok: false, detail };
    }
    if (both.length === 0) {
      return { compared: false, ok: true, detail: `nothing to compare with what an earlier proof found, ${told}` };
    }
    const detail = `${what}, ${both.length} in all, are what an earlier proof found, ${told}`;
    return { compared: true, ok: true, detail };
  }
}

function whyOther({ contents, told }: EarlierContents, way: string): string {
  return contents === null
    ? `what an earlier proof found, ${told}, cannot be read`
    : `what an earlier proof found, ${told}, compares with nothing here: it is of "${contents.way}", this of "${way}"`;
}
