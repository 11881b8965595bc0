/** Hooks of a plan, around a whole run. */
import { hookTimes, type HookTime } from '../../model/config/hooks.ts';
import type { HooksRun, RunSpec } from '../../model/run.ts';
import type { Site } from '../site.ts';
import type { Work } from '../work.ts';
import { runHooks, type HookFacts } from './hooks.ts';
import { noteHooksClosed, noteHooksOpen } from './open-hooks.ts';
import { requireBackupPlan } from './plan-run.ts';

export interface PlanHookRequest {
  readonly site: Site;
  readonly spec: Pick<RunSpec, 'runId' | 'site' | 'plan'>;
  readonly when: HookTime;
  readonly outcome: HookFacts['outcome'];
  readonly work: Work;
}

/** @throws BackupError `config` where the plan is gone; as `runHooks`. */
export async function planHook({ site, spec, when, outcome, work }: PlanHookRequest): Promise<HooksRun> {
  const { plan, runId } = spec;
  const { hooks } = requireBackupPlan(site, plan);
  const facts = { site: spec.site, plan, run: runId, source: null, host: site.host, outcome };
  // What has no hooks after leaves nothing open. A run that was planned before the plan had any runs none, and the note stays.
  if (when === 'before' && hookTimes(hooks).includes('after')) await noteHooksOpen({ site, plan }, runId);
  const run = await runHooks({ site, hooks, when, facts, work });
  if (when === 'after') await noteHooksClosed({ site, plan });
  return run;
}
