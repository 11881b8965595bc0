/** What a run that has ended was asked to do, so that it can be asked for again: it then does only what is missing. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { z } from 'zod';
import type { SiteConfig } from '../../model/config/site.ts';
import type { RecoveryPoint } from '../../model/recovery-point.ts';
import { BackupError } from '../../model/errors.ts';
import { planAndTime, type PlanInput } from '../../model/run.ts';
import { sourceOf } from './graph.ts';

const memo = z.looseObject({ asked: z.looseObject({ sources: z.array(z.string()).nullable() }) });

/** Null where this Temporal does not have the run, or not as a run of a plan. */
export async function askedOf(
  client: Client,
  site: string,
  run: string,
): Promise<{ readonly running: boolean; readonly input: PlanInput } | null> {
  const of = planAndTime(run);
  if (!of) return null;
  try {
    const description = await client.workflow.getHandle(run).describe();
    // One that its schedule started was asked for all sources of its plan.
    const sources = memo.safeParse(description.memo).data?.asked.sources;
    return { running: description.status.name === 'RUNNING', input: inputOf(site, of, sources ?? undefined) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/**
 * Of a run that was run again for some of its sources Temporal knows these alone: its recovery point tells of the others. Sources
 * that the config has no more are left out.
 */
export function withAll(input: PlanInput, site: SiteConfig, points: readonly RecoveryPoint[], run: string): PlanInput {
  const others = askedByPoint(site, points, run)?.sources;
  if (input.sources === undefined || others === undefined) return input;
  return { ...input, sources: [...new Set([...input.sources, ...others])] };
}

/**
 * Only the source of this step.
 * @throws BackupError `usage` for a step of the run itself, which comes after its sources; `not-found` for a source that is none of the run's.
 */
export function onlyOfStep(input: PlanInput, run: string, step: string): PlanInput {
  const source = sourceOf(step);
  const all = `mosaic-backup runs retry ${run}`;
  if (source === undefined)
    throw new BackupError('usage', `${run} has ended, and ${step} is no step of a source: it is not run again alone`, {
      remedy: `Run again all that is missing, and it with that: ${all}`,
    });
  if (input.sources && !input.sources.includes(source))
    throw new BackupError('not-found', `${run} had no source "${source}"`, {
      remedy: `Choose of: ${input.sources.join(', ')}; or all that is missing: ${all}`,
    });
  return { ...input, sources: [source] };
}

/** By its recovery point, where Temporal has lost the run; sources that the config has no more are left out. */
export function askedByPoint(
  { site, sources }: SiteConfig,
  points: readonly RecoveryPoint[],
  run: string,
): PlanInput | undefined {
  const point = points.find(({ id }) => id === run);
  const of = planAndTime(run);
  if (!point || !of) return undefined;
  const names = point.sources.map(({ source }) => source).filter((source) => Object.hasOwn(sources, source));
  return inputOf(site, of, names);
}

function inputOf(
  site: string,
  { plan, scheduled }: Pick<PlanInput, 'plan' | 'scheduled'>,
  sources: readonly string[] | undefined,
): PlanInput {
  return { site, plan, scheduled, ...(sources === undefined ? {} : { sources }) };
}

export function isDrill(run: string): boolean {
  return planAndTime(run)?.plan === 'drill';
}

/** What it has measured is on record under its name, and what was to be rehearsed nobody else has. */
export function endedDrill(run: string): BackupError {
  return new BackupError(
    'usage',
    `${run} is a drill, and has ended: another one under its name would replace its report`,
    {
      remedy: 'Begin another one: mosaic-backup drill start SCENARIO.',
    },
  );
}
