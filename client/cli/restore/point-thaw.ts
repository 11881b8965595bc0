/** What of a recovery point lies frozen at every place that has it: left out and named, or with --thaw asked for and waited for, all of it at once. */
import type { PointPlan, PointStep } from '../../../activities/operations/restore-point/plan.ts';
import { BackupError } from '../../../model/errors.ts';
import type { ThawSpeed } from '../../../model/config/destinations/thaw.ts';
import { planThaw, type ThawPlan } from '../../thaw/plan.ts';
import { speedOf } from '../copies/speed.ts';
import { previewText } from '../copies/thaw-text.ts';
import type { Cli } from '../context.ts';
import type { PointOptions } from './point.ts';

/**
 * The plan with what can be read then; null after ^C.
 * @throws BackupError `usage` for a speed that there is not; `frozen` where nothing else is left.
 */
export async function thawPoint(cli: Cli, plan: PointPlan, { thaw }: PointOptions): Promise<PointPlan | null> {
  const speed = thaw === undefined ? undefined : speedOf(thaw);
  const asleep = plan.steps.filter(({ places }) => places.length === 0);
  if (asleep.length === 0) {
    if (speed !== undefined) cli.out.note('--thaw is not needed: all of it can be read now');
    return plan;
  }
  const awake = plan.steps.filter(({ places }) => places.length > 0);
  if (speed === undefined) {
    const lacking = asleep.map(({ source, frozen }) => ({ source, why: whyNot(frozen) }));
    if (awake.length > 0) return { ...plan, steps: awake, lacking: [...plan.lacking, ...lacking] };
    throw new BackupError('frozen', `All of ${plan.point.id} lies frozen. Nothing was fetched.`, {
      remedy:
        'The same with --dry-run shows where; with --thaw SPEED (expedited, standard or bulk) it is asked for, waited for and restored.',
      facts: { sources: asleep.map(({ source }) => source) },
    });
  }
  const thaws = await Promise.all(asleep.map((step) => thawOf(cli, step, speed)));
  for (const each of thaws) cli.out.note(previewText(each));
  // It loads Temporal, which no other restore needs.
  const { waitForThaws } = await import('../copies/thaw-wait.ts');
  if ((await waitForThaws(cli, thaws)) === null) return null;
  return { ...plan, steps: plan.steps.map((step) => (step.places.length > 0 ? step : thawed(step))) };
}

function thawed(step: PointStep): PointStep {
  return { ...step, places: step.frozen.slice(0, 1), frozen: step.frozen.slice(1) };
}

async function thawOf(cli: Cli, { frozen: [place] }: PointStep, speed: ThawSpeed): Promise<ThawPlan> {
  if (!place) throw new TypeError('a source that lies frozen nowhere');
  const { name: destination, store, chain } = place;
  return planThaw({ site: await cli.site(), destination, store, chain, replay: null, speed });
}

function whyNot(frozen: PointStep['frozen']): string {
  const names = frozen.map(({ name }) => name).join(', ');
  return `it lies frozen at ${names}; the same command with --thaw SPEED asks for it, waits, and restores what is lacking`;
}
