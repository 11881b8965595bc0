/** What is never deleted at a place, however old it is: the newest, the newest verified full, the last proven. */
import type { CheckedCopy, KeptBackup, Reason } from './types.ts';

/** What checks have found, by digest. */
export type Checks = ReadonlyMap<string, readonly CheckedCopy[]>;

/**
 * By digest, why.
 * @param held the source's backups at the place, logs left out.
 * @param newest the newest of the source anywhere: what is being captured builds on it.
 */
export function protectedAt(
  place: string,
  held: readonly KeptBackup[],
  newest: KeptBackup | undefined,
  checks: Checks,
): ReadonlyMap<string, readonly Reason[]> {
  const ordered = held.toSorted(byAge);
  const fulls = ordered.filter(({ kind }) => kind === 'full');
  const verified = fulls.findLast((full) => isVerified(full, place, checks));
  const proven = ordered.findLast((backup) => isProven(backup, place, checks));
  const found: readonly (readonly [KeptBackup | undefined, Reason])[] = [
    [ordered.findLast(({ authentic }) => authentic), { code: 'newest', text: `it is the newest backup at ${place}` }],
    [newest, { code: 'newest', text: 'it is the newest backup of its source' }],
    [verified, { code: 'verified', text: `it is the newest verified full at ${place}` }],
    [
      verified ? undefined : fulls.at(-1),
      { code: 'verified', text: `it is the newest full at ${place}, where none is verified` },
    ],
    [proven, { code: 'proven', text: `it is the newest at ${place} that a restore has proven` }],
  ];
  const reasons = new Map<string, Reason[]>();
  for (const [backup, reason] of found) {
    if (!backup) continue;
    const known = reasons.get(backup.sha256) ?? [];
    // One word of each kind is enough.
    if (!known.some(({ code }) => code === reason.code)) reasons.set(backup.sha256, [...known, reason]);
  }
  return reasons;
}

/** The older one first. Clocks of one host may have been set: among the same time the one that ended later is the newer. */
export function byAge(one: KeptBackup, two: KeptBackup): number {
  return one.scheduled - two.scheduled || one.finished - two.finished;
}

/** By a check of this copy; where nobody looked at it, by one of any other, for it was put here with the same digest. */
function isVerified({ sha256 }: KeptBackup, place: string, checks: Checks): boolean {
  const of = checks.get(sha256) ?? [];
  const here = last(of, (check) => check.place === place);
  if (here) return here.ok;
  const places = new Set(of.map((check) => check.place));
  return [...places].some((other) => last(of, (check) => check.place === other)?.ok);
}

/** By the last restore of any of its copies, unless this one was found damaged since. */
function isProven({ sha256 }: KeptBackup, place: string, checks: Checks): boolean {
  const of = checks.get(sha256);
  const here = last(of, (check) => check.place === place);
  return here?.ok !== false && last(of, ({ restored }) => restored)?.ok === true;
}

function last(
  checks: readonly CheckedCopy[] | undefined,
  wanted: (check: CheckedCopy) => boolean,
): CheckedCopy | undefined {
  let found: CheckedCopy | undefined;
  for (const check of checks ?? []) {
    if (wanted(check) && (found === undefined || check.time >= found.time)) found = check;
  }
  return found;
}
