/** The SDK's runtime, once a process: its logs go into ours, where they are told apart by `sdk`. */
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { Logger } from '../activities/work.ts';

let installed: { readonly metrics: string | null } | undefined;

/**
 * To be called before the first worker or connection of the process; later calls change nothing.
 * @param metrics an address of this machine where the SDK serves its metrics; null: it keeps none.
 * @returns the address where it does.
 */
export function installRuntime(log: Logger, metrics: string | null): string | null {
  if (installed) return installed.metrics;
  installed = { metrics };
  Runtime.install({
    // A failing step is the operator's to see in the run, with its remedy; here it is a detail.
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const facts = { sdk: true, ...summary(meta) };
      if (level === 'ERROR') log.error(facts, message);
      else if (level === 'WARN') log.info(facts, message);
      else log.debug(facts, message);
    }),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
      ...(metrics !== null && {
        metrics: { prometheus: { bindAddress: metrics, unitSuffix: true, useSecondsForDurations: true } },
      }),
    },
    shutdownSignals: [],
  });
  return metrics;
}

/** What of the SDK's facts tells something: the step and the error in one line each. */
function summary(meta: Record<string, unknown> | undefined): Record<string, unknown> {
  const { activityType, attempt, workflowId, taskQueue, error } = meta ?? {};
  return {
    activityType,
    attempt,
    workflowId,
    taskQueue,
    ...(error === undefined ? {} : { error: error instanceof Error ? error.message : JSON.stringify(error) }),
  };
}
