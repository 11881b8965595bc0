/** What `verify` says of backups. */
import type { Verification } from '../../activities/operations/verify.ts';
import type { Catalogued } from '../../activities/storage/catalogue.ts';
import type { Check } from '../../model/evidence.ts';
import { formatReference } from '../../model/reference.ts';
import type { Cli } from './context.ts';

/** One backup that was verified. */
export interface Verified {
  readonly reference: string;
  readonly found: Verification;
  /** A backup that it builds on and that was just found damaged: whole as it may be, it cannot be restored. */
  readonly damagedParent: string | null;
  /** It was to be restored and checked, and there was nothing here to check it with. */
  readonly unchecked: boolean;
}

export function verdictText(
  { out, options: { verbose } }: Cli,
  place: string,
  { reference, found: { verdict, checks, unrecorded }, damagedParent, unchecked }: Verified,
): string {
  const own = verdict === 'ok' ? out.style('green', 'ok') : out.style('red', 'DAMAGED');
  const head =
    damagedParent === null ? own : `${own}, but it builds on ${damagedParent}, which is ${out.style('red', 'DAMAGED')}`;
  // What is right is one line, unless -v asks for each.
  const told = checks.filter(({ compared, ok }) => verbose || !compared || !ok);
  const lines = onceEach(told).map(({ name, compared, ok, detail }) => {
    const mark = !compared ? 'not compared' : ok ? 'ok' : out.style('red', 'WRONG');
    return `  ${mark}  ${name}: ${detail}`;
  });
  const record = unrecorded === null ? [] : [`  not recorded: ${unrecorded}`];
  // Where it was not even restored, the check of that name says why.
  const restored = unchecked && !checks.some(({ name }) => name === 'deep');
  const silent = restored ? ['  restored, but nothing of it could be checked on this machine'] : [];
  return [`${reference} at ${place}: ${head} (${checks.length} checks)`, ...lines, ...silent, ...record].join('\n');
}

/** What was asked for has to be thawed, and what it builds on with it. */
export function frozenText(
  { out }: Cli,
  { place, backups }: { readonly place: string; readonly backups: readonly Catalogued[] },
  frozen: readonly string[],
): readonly string[] {
  if (frozen.length === 0) return [];
  const lines = frozen.map(
    (reference) =>
      `${reference} at ${place}: ${out.style('yellow', 'FROZEN')}: there with its sizes, signed, and not read`,
  );
  const wanted = backups.map(({ name }) => formatReference(name));
  return [...lines, ...wanted.map((reference) => `  mosaic-backup copies thaw ${reference} --from ${place}`)];
}

/** Checks that were not made for one reason are one line: `start, rows`. */
function onceEach(checks: readonly Check[]): readonly Check[] {
  const lines: Check[] = [];
  for (const check of checks) {
    const same = lines.findIndex(({ compared, detail }) => !compared && !check.compared && detail === check.detail);
    const before = lines[same];
    if (before) lines[same] = { ...before, name: `${before.name}, ${check.name}` };
    else lines.push(check);
  }
  return lines;
}
