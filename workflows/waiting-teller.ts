/**
 * Says where a step has begun to wait: to its run, which shows it, and by an alert once it has waited for long. The alert is told
 * again while it lasts, and its end too.
 */
import { getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';
import type { GraphStep } from '../model/graph.ts';
import type { StepInput, Waits } from '../model/run.ts';
import { stepChanged } from './messages.ts';
import { tellingOfRun } from './telling-steps.ts';

export interface WaitingTeller {
  /** To be told of each change of a step. */
  changed(step: GraphStep): void;
  /** Waits until everything has been told. */
  ended(): Promise<void>;
}

export interface TellerOptions extends Pick<StepInput, 'runId'> {
  readonly site: string;
  readonly waits: Pick<Waits, 'alertAfter' | 'remindAfter'>;
  readonly notified?: boolean;
  readonly alone?: boolean;
  /** Whose steps they are; absent for those of the run itself. */
  readonly step?: Pick<StepInput['step'], 'source' | 'host'>;
}

interface Waiting {
  /** Milliseconds since the epoch: when it first failed, and when somebody was told last. */
  readonly since: number;
  told: number | null;
  /** Whether somebody may have been told: then its end is told too. */
  tried: boolean;
  telling: boolean;
}

export function waitingTeller({ site, runId, waits, notified, alone, step: of }: TellerOptions): WaitingTeller {
  const waiting = new Map<string, Waiting>();
  const unfinished: Promise<void>[] = [];
  const { parent } = workflowInfo();

  return { changed, ended: async () => void (await Promise.all(unfinished)) };

  function changed(step: GraphStep): void {
    const known = waiting.get(step.id);
    if (step.state === 'waiting') {
      if (!known) {
        waiting.set(step.id, { since: Date.now(), told: null, tried: false, telling: false });
        tellRun(step);
      } else if (isDue(known)) alert(step, known);
    } else if (known && step.ended !== null) {
      waiting.delete(step.id);
      tellRun(step);
      if (known.tried) alert(step, known);
    }
  }

  function isDue({ since, told }: Waiting): boolean {
    return Date.now() - (told ?? since) >= (told === null ? waits.alertAfter : waits.remindAfter);
  }

  /** The first time and the last: a run of many sources that fail for hours must not be flooded. */
  function tellRun(step: GraphStep): void {
    if (!parent || alone === true) return;
    later(getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(stepChanged, step));
  }

  function alert(step: GraphStep, known: Waiting): void {
    if (notified !== true || (known.telling && step.ended === null)) return;
    const at = Date.now();
    known.tried = known.telling = true;
    const summary = step.state === 'waiting' ? `tell that ${step.id} waits` : `tell that ${step.id} waits no longer`;
    const since = new Date(known.since).toISOString();
    const waiting = { site, runId, since, step, source: of?.source ?? null, host: of?.host ?? null };
    later(told());

    async function told(): Promise<void> {
      try {
        const failed = await tellingOfRun(site).tellWaiting.executeWithOptions({ summary }, [waiting]);
        // What did not reach everybody is told again with the next attempt.
        if (failed.length === 0) known.told = at;
      } finally {
        known.telling = false;
      }
    }
  }

  /** What cannot be told changes nothing of the step: it stands in the graph all the same. */
  function later(told: Promise<void>): void {
    unfinished.push(told.catch((error: unknown) => log.warn('a waiting step could not be told of', { error })));
  }
}
