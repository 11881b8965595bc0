/** Runs as a schedule starts them, whose phases wait for their time: for seconds, and not until the next minute. */
import type { SiteInput } from '../../model/config/site.ts';
import { runId } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';
import { jitterOf } from '../../model/timetable/phases.ts';

export interface TimedRun {
  /** Of the run, and of its workflow. */
  readonly id: string;
  readonly scheduled: string;
  /** What the config says of the plan, so that its first phase begins at `begins`. */
  readonly plan: NonNullable<NonNullable<SiteInput['plans']>['daily']>;
  /** Milliseconds since the epoch; some more may pass. */
  readonly begins: number;
}

/**
 * A daily run that is due now, and whose first phase begins so many milliseconds later.
 * @param ago minutes since it was due: two of one minute have one id, and would be one run.
 */
export function timedRun(site: string, wait: number, ago = 0): TimedRun {
  const due = (Math.floor(Date.now() / 60_000) - ago) * 60_000;
  const scheduled = wholeSeconds(due);
  const id = runId('daily', scheduled);
  const begins = Date.now() + wait;
  const jitter = jitterThat(`${site}/${id}`, begins - due);
  const at = scheduled.slice(11, 16);
  // Each at the time of the plan, and then the jitter; else they follow half an hour later.
  return { id, scheduled, begins, plan: { at, phases: { apps: at, system: at, configs: at }, jitter: `${jitter}ms` } };
}

/** A longest jitter with which a run waits for so many milliseconds, or a few more. */
export function jitterThat(name: string, wait: number): number {
  for (let most = Math.ceil(wait); most < 20 * 3_600_000; most++) {
    const chosen = jitterOf(name, most);
    if (chosen >= wait && chosen < wait + 500) return most;
  }
  throw new Error('no such jitter');
}
