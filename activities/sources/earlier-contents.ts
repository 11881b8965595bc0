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

/** What was found against the oldest record of the same way; or the record for later ones. */
export function contentsCheck(
  backup: Pick<BackupReader, 'seal'>,
  found: FoundContents,
  earlier: readonly EarlierContents[],
): Check {
  const { way, what, parts, aside } = found;
  const rest = aside.length > 0 ? `; not compared: ${aside.join('; ')}` : '';
  if (parts.size > MOST_PARTS) {
    const detail = `not recorded for later proofs: ${what}, ${parts.size} in all, and a record holds ${MOST_PARTS}${rest}`;
    return { name: CONTENTS, compared: false, ok: true, detail };
  }
  const sealed = sealedParts(backup, way, parts);
  const contents: RecordedContents = { way, parts: Object.fromEntries(sealed.values()) };
  const sorted = [...sealed.values()].toSorted(([one], [two]) => (one < two ? -1 : 1));
  const record = { digest: backup.seal(JSON.stringify([way, ...sorted])), contents };
  const known = earlier.find((one) => one.contents?.way === way);
  if (!known?.contents) {
    const other = earlier[0] && `; ${whyOther(earlier[0], way)}`;
    const detail = `recorded for later proofs: ${what}, ${parts.size} in all${other ?? ''}${rest}`;
    return { name: CONTENTS, compared: false, ok: true, detail, ...record };
  }
  return { name: CONTENTS, ...compared(found, sealed, known.contents.parts, known.told), ...record };
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
  { what, aside }: FoundContents,
  sealed: Sealed,
  known: RecordedContents['parts'],
  told: string,
): Pick<Check, 'compared' | 'ok' | 'detail'> {
  const both = [...sealed].filter(([, [name, digest]]) => digest !== null && typeof known[name] === 'string');
  const different = both.filter(([, [name, digest]]) => known[name] !== digest).map(([part]) => part);
  const left = [...sealed.keys()].length - both.length;
  const others = [...aside, ...(left === 0 ? [] : [`${left} that could not be read, then or now`])];
  const rest = others.length > 0 ? `; not compared: ${others.join('; ')}` : '';
  if (different.length > 0) {
    const detail = `${what}: ${different.length} of ${both.length} differ from what an earlier proof found, ${told}: ${some(different)}${rest}`;
    return { compared: true, ok: false, detail };
  }
  if (both.length === 0) {
    return { compared: false, ok: true, detail: `not compared with what an earlier proof found, ${told}${rest}` };
  }
  const detail = `${what}, ${both.length} in all, are what an earlier proof found, ${told}${rest}`;
  return { compared: true, ok: true, detail };
}

function whyOther({ contents, told }: EarlierContents, way: string): string {
  return contents === null
    ? `what an earlier proof found, ${told}, cannot be read`
    : `what an earlier proof found, ${told}, compares with nothing here: it is of "${contents.way}", this of "${way}"`;
}
