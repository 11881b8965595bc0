/** What a run that has ended was asked to do, so that it can be asked for again: it then does only what is missing. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { z } from 'zod';
import type { SiteConfig } from '../../model/config/site.ts';
import type { RecoveryPoint } from '../../model/recovery-point.ts';
import { planAndTime, type PlanInput } from '../../model/run.ts';

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
