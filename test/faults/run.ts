/** A run of a plan as its trial sees it: through Temporal, which may be away now and then. */
import { defaultPayloadConverter } from '@temporalio/common';
import { startRun } from '../../client/runs/start.ts';
import { runId, type PlanInput, type RunReport } from '../../model/run.ts';
import type { TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';

export interface Run {
  readonly id: string;
  /** Waits for its end. */
  report(): Promise<RunReport>;
  /** Waits until a step of a source has failed and is tried again: what the operator sees meanwhile. */
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
  const id = runId(input.plan, input.scheduled);

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
  async function pending(workflow: string) {
    return (await described(workflow))?.raw.pendingActivities ?? [];
  }

  return {
    id,
    async report() {
      await until(
        `the end of ${id}`,
        async () => {
          const found = await described(id);
          return found !== undefined && found.status.name !== 'RUNNING';
        },
        LONGEST,
      );
      // `dailyBackup` is the only workflow of this name, and this is what it returns.
      return (await handle(id).result()) as RunReport;
    },
    failure: (source) =>
      until(`a failed attempt in ${id}/${source}`, async () => {
        for (const { lastFailure, attempt } of await pending(`${id}/${source}`)) {
          const [payload] = lastFailure?.applicationFailureInfo?.details?.payloads ?? [];
          if (!lastFailure?.message || !payload) continue;
          const details: unknown = defaultPayloadConverter.fromPayload(payload);
          return { message: lastFailure.message, remedy: remedyIn(details), attempt: attempt ?? 0 };
        }
        return undefined;
      }),
  };
}

function remedyIn(details: unknown): string {
  if (typeof details !== 'object' || details === null || !('remedy' in details)) return '';
  return typeof details.remedy === 'string' ? details.remedy : '';
}
