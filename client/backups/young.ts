/** How old the newest backup is, and whether it may be restored without a word. */
import { CLOCKS_AGREE } from '../../model/clock.ts';
import { BackupError } from '../../model/errors.ts';
import { formatDuration } from '../../model/units.ts';
import type { Latest } from './choose.ts';

/** To follow its name and `is`. @param age milliseconds since its capture began, below zero where a wrong clock has dated it. */
export function ageText(age: number): string {
  if (age < -CLOCKS_AGREE) return 'of the future by our clock: nobody knows how old it is';
  return `${formatDuration(Math.max(0, age))} old`;
}

/** @throws BackupError `refused` unless the backup is as young as the source's objective wants, or its age was accepted. */
export function requireYoung({ entry, age, newer }: Latest, objective: number | undefined, accepted: boolean): void {
  const ahead = age < -CLOCKS_AGREE;
  if (objective === undefined || accepted || (age <= objective && !ahead)) return;
  const after = newer.length > 0 ? ` Newer: ${newer.join('; ')}.` : '';
  throw new BackupError(
    'refused',
    `${entry.reference} is ${ageText(age)}, and the objective of "${entry.source}" is to lose at most ${formatDuration(objective)}.${after} Nothing was changed.`,
    {
      remedy: ahead
        ? 'See whether the clock is right (timedatectl). If it was wrong when this was made, and nothing newer can be had, say so with --accept-age.'
        : 'Where logs are shipped, `--at end` restores to the newest of them. If nothing newer can be had, say so with --accept-age.',
      facts: { reference: entry.reference, age, objective, newer },
    },
  );
}
