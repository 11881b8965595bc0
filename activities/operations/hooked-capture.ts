/**
 * A capture with what its source's hooks prepare. They are run by the same step, when its turn has come: an application is not to
 * stand still while others are captured. What is to come after them is the workflow's (`releaseSource`): it knows of it whatever dies.
 */
import { BackupError } from '../../model/errors.ts';
import { planAndTime, type HookedCapture, type HooksRun } from '../../model/run.ts';
import { captureOrTake } from './archive/capture-or-take.ts';
import type { CaptureRequest } from './capture.ts';
import { runHooks, type HookFacts } from './hooks.ts';
import { sourceConfig } from './source-config.ts';

/** @throws BackupError as `captureOrTake` and `runHooks`. */
export async function hookedCapture(request: Omit<CaptureRequest, 'prepare'>): Promise<HookedCapture> {
  let before: HooksRun = { skipped: null, warnings: [] };
  try {
    return { captured: await captureOrTake({ ...request, prepare }), hooks: before };
  } catch (error) {
    if (before.skipped !== null) return { captured: null, hooks: before };
    throw error;
  }

  async function prepare(): Promise<void> {
    const { site, source, runId, work } = request;
    const facts = sourceFacts(request, null);
    before = await runHooks({ site, hooks: sourceConfig(site, source).hooks, when: 'before', facts, work });
    if (before.skipped !== null) throw new BackupError('refused', before.skipped, { facts: { source, run: runId } });
  }
}

/** Runs what is to come after an attempt to capture the source. @throws BackupError as `runHooks`. */
export function releaseSource(
  request: Pick<CaptureRequest, 'site' | 'source' | 'runId' | 'work'>,
  outcome: HookFacts['outcome'],
): Promise<HooksRun> {
  const { site, source, work } = request;
  const facts = sourceFacts(request, outcome);
  return runHooks({ site, hooks: sourceConfig(site, source).hooks, when: 'after', facts, work });
}

function sourceFacts(
  { site, source, runId }: Pick<CaptureRequest, 'site' | 'source' | 'runId'>,
  outcome: HookFacts['outcome'],
): HookFacts {
  const { plan = '' } = planAndTime(runId) ?? {};
  return { site: site.config.site, plan, run: runId, source, host: site.host, outcome };
}
