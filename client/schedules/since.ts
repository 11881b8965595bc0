/**
 * Since when each plan of this site has its schedule, in state: beside the data of the embedded Temporal, and not lost with them. It tells
 * which runs were due where Temporal knows nothing any more.
 */
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../../activities/site.ts';
import { readMemoryFile, writeMemoryFile } from '../../activities/storage/memory-file.ts';
import { coordinatorOf } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import { wholeSeconds } from '../../model/time.ts';
import { timing } from './difference.ts';
import type { Schedule } from './wanted.ts';

const memory = z.object({
  plans: z.record(
    z.string(),
    z.object({
      /** RFC 3339. */
      since: z.iso.datetime({ offset: false }),
      /** In words: `every day at 02:00 (UTC)`. */
      timing: z.string(),
    }),
  ),
});
export type ScheduledPlans = z.infer<typeof memory>['plans'];

/** By the names of plans; undefined where nothing is remembered, as with a state folder that is new. */
export async function readScheduled(state: string): Promise<ScheduledPlans | undefined> {
  return (await readMemoryFile(fileOf(state), memory))?.plans;
}

/**
 * Once Temporal has them; none, once they were removed. One whose times have changed counts from now on: at the new ones it was never
 * due before. The coordinator alone looks at it. Where it cannot be written that is told, and recovery points tell as much of it.
 */
export async function rememberHere(
  { config, host, state }: Site,
  schedules: readonly Schedule[],
  note: (text: string) => void,
): Promise<void> {
  if (coordinatorOf(config) !== host) return;
  try {
    const before = (await readScheduled(state)) ?? {};
    const plans = Object.fromEntries(schedules.map((schedule) => [schedule.plan, remembered(before, schedule)]));
    await writeMemoryFile(fileOf(state), { plans });
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    note(`warning: since when there are schedules is not remembered: ${error.message}`);
  }
}

function remembered(before: ScheduledPlans, schedule: Schedule): ScheduledPlans[string] {
  return { since: wholeSeconds(sinceOf(before, schedule) ?? Date.now()), timing: timing(schedule) };
}

/** Milliseconds since the epoch; undefined of a schedule that is not remembered, or had other times. */
export function sinceOf(plans: ScheduledPlans, schedule: Schedule): number | undefined {
  const known = Object.hasOwn(plans, schedule.plan) ? plans[schedule.plan] : undefined;
  return known?.timing === timing(schedule) ? Date.parse(known.since) : undefined;
}

function fileOf(state: string): string {
  return path.join(state, 'schedules.json');
}
