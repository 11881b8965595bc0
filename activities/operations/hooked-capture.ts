/**
 * A capture with what its source's hooks prepare. They are run by the same step, when its turn has come: an application is not to
 * stand still while others are captured. What is to come after them is the workflow's (`releaseSource`): it knows of it whatever dies.
 */
import { hookTimes, type HookTime } from '../../model/config/hooks.ts';
import { BackupError } from '../../model/errors.ts';
import { planAndTime, type HookedCapture, type HooksRun } from '../../model/run.ts';
import { acquireLease } from '../storage/lease.ts';
import { captureOrTake } from './archive/capture-or-take.ts';
import type { CaptureRequest } from './capture.ts';
import { runHooks, type HookFacts } from './hooks.ts';
import { noteHooksClosed, noteHooksOpen } from './open-hooks.ts';
import { sourceConfig } from './source-config.ts';

export interface HookedRequest extends Omit<CaptureRequest, 'prepare'> {
  /** The hooks that its source had when the run was planned. */
  readonly planned: readonly HookTime[];
}

/** @throws BackupError as `captureOrTake` and `runHooks`. */
export async function hookedCapture({ planned, ...request }: HookedRequest): Promise<HookedCapture> {
  let before: HooksRun = { skipped: null, warnings: [] };
  let outcome: HookFacts['outcome'] = 'failed';
  let isOpen = false;
  try {
    const captured = await captureOrTake({ ...request, prepare });
    outcome = 'complete';
    return { captured, hooks: before };
  } catch (error) {
    if (before.skipped === null) throw error;
    outcome = 'skipped';
    return { captured: null, hooks: before };
  } finally {
    if (isOpen) await release();
  }

  /** What the config has got since the run was planned its workflow does not know of: without this an application would stand still. */
  async function release(): Promise<void> {
    const { log } = request.work;
    try {
      // Also where the attempt was cancelled.
      const work = { ...request.work, signal: new AbortController().signal };
      const { warnings } = await releaseSource({ ...request, work }, outcome);
      for (const warning of warnings) log.warn({ source: request.source, warning }, 'a hook failed');
    } catch (error) {
      log.error({ source: request.source, error }, 'what is to come after the capture could not be run');
    }
  }

  async function prepare(): Promise<void> {
    const { site, source, runId, work } = request;
    const { hooks } = sourceConfig(site, source);
    const facts = sourceFacts(request, null);
    const hasAfter = hookTimes(hooks).includes('after');
    isOpen = hasAfter && !planned.includes('after');
    if (hasAfter) await noteHooksOpen(request, runId);
    before = await runHooks({ site, hooks, when: 'before', facts, work });
    if (before.skipped !== null) throw new BackupError('refused', before.skipped, { facts: { source, run: runId } });
  }
}

type Released = Pick<CaptureRequest, 'site' | 'source' | 'runId' | 'attempt' | 'work'>;

/**
 * Runs what is to come after an attempt to capture the source.
 * @param request `attempt` is that of the capture, or a later one.
 * @throws BackupError as `runHooks`.
 */
export async function releaseSource(request: Released, outcome: HookFacts['outcome']): Promise<HooksRun> {
  const { site, source, work } = request;
  if (outcome === 'failed') await displace(request);
  const facts = sourceFacts(request, outcome);
  const run = await runHooks({ site, hooks: sourceConfig(site, source).hooks, when: 'after', facts, work });
  await noteHooksClosed(request);
  return run;
}

/**
 * An attempt that was given up while its worker lives (Temporal was away) may still read. It is to seal nothing that was read outside
 * of its hooks: its lease is taken from it.
 */
async function displace({ site, source, runId, attempt, work }: Released): Promise<void> {
  try {
    const of = { state: site.state, name: source, step: `${runId}/${source}`, attempt };
    const lease = await acquireLease({ ...of, wait: 0, signal: work.signal });
    await lease.release();
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    // Another run has the source, or state is gone: then that attempt has no lease to seal by.
    work.log.debug({ source, code: error.code }, 'no earlier attempt to displace');
  }
}

function sourceFacts(
  { site, source, runId }: Pick<CaptureRequest, 'site' | 'source' | 'runId'>,
  outcome: HookFacts['outcome'],
): HookFacts {
  const { plan = '' } = planAndTime(runId) ?? {};
  return { site: site.config.site, plan, run: runId, source, host: site.host, outcome };
}
