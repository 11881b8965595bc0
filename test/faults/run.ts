/** A run of a plan as its trial sees it: through Temporal, which may be away now and then. */
import { startRun } from '../../client/runs/start.ts';
import { runId, type PlanInput, type RunReport } from '../../model/run.ts';
import { runGraph } from '../../workflows/messages.ts';
import type { TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';

export interface Run {
  readonly id: string;
  /** Whether it goes on no longer. */
  ended(): Promise<boolean>;
  /** Waits for its end. */
  report(): Promise<RunReport>;
  /** Waits until a step of a source has failed and is tried again: what the operator sees meanwhile. A worker must answer. */
  failure(source: string): Promise<Failure>;
}

export interface Failure {
  readonly message: string;
  readonly remedy: string;
  /** The attempt that runs or waits now. */
  readonly attempt: number;
}

/** How long a run may take after all that is done to it. */
const LONGEST = 100_000;

export async function startRunOf(temporal: TemporalProcess, input: PlanInput): Promise<Run> {
  await startRun(temporal.client(), input);
  return followRun(temporal, runId(input.plan, input.scheduled));
}

/** One that was started already. */
export function followRun(temporal: TemporalProcess, id: string): Run {
  function handle(workflow: string) {
    return temporal.client().workflow.getHandle(workflow);
  }

  async function described(workflow: string) {
    try {
      return await handle(workflow).describe();
    } catch {
      // The run has not come to this source, or Temporal is just starting: the next look tells.
      return undefined;
    }
  }
  async function graph(workflow: string) {
    try {
      return (await handle(workflow).query(runGraph)).steps;
    } catch {
      // No worker answers just now, or the run has not come to this source: the next look tells.
      return [];
    }
  }

  async function ended(): Promise<boolean> {
    const found = await described(id);
    return found !== undefined && found.status.name !== 'RUNNING';
  }

  return {
    id,
    ended,
    async report() {
      await until(`the end of ${id}`, ended, LONGEST);
      // `dailyBackup` is the only workflow of this name, and this is what it returns.
      return (await handle(id).result()) as RunReport;
    },
    failure: (source) =>
      until(`a step of ${id}/${source} that waits`, async () => {
        const steps = await graph(`${id}/${source}`);
        const step = steps.find(({ error, ended }) => error !== null && ended === null);
        if (!step?.error) return undefined;
        const { message, remedy } = step.error;
        return { message, remedy: remedy ?? '', attempt: step.attempts + (step.state === 'waiting' ? 1 : 0) };
      }),
  };
}
