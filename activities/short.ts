/** The short steps on a host, as activities: they are done at once, whatever long steps run there. */
import { Context } from '@temporalio/activity';
import { hostname } from 'node:os';
import type { Delivered, DeliveryInput } from '../model/catch-up.ts';
import type { LogsInput, LogsTick } from '../model/logs-run.ts';
import type { WithSchedules } from './operations/in-place/request.ts';
import { leavesUnfinished } from './operations/in-place/journal.ts';
import { takeBackStep } from './operations/in-place/run-step.ts';
import type { InPlaceStepInput, TakenBack } from '../model/in-place-run.ts';
import { inPlaceStepInput } from '../model/received-restore.ts';
import { deliveryInput, logsInput, releaseInput } from '../model/received.ts';
import type { DrillInput, DrillSourceInput, DrillStarted, Probed } from '../model/drill/drill.ts';
import { drillInput, drillSourceInput } from '../model/received-drill.ts';
import { thawStepInput } from '../model/received-thaw.ts';
import type { SourceOutcome } from '../model/recovery-point.ts';
import type { HooksRun, StepInput } from '../model/run.ts';
import type { ThawFacts, ThawStepInput } from '../model/thaw.ts';
import { received, runStep } from './activity-work.ts';
import { untilMended } from './config/open-again.ts';
import { deliverCopies } from './operations/catch-up/deliver.ts';
import { removeSandbox } from './operations/drill/sandbox.ts';
import { probeDrilled, startDrilled, stopDrilled } from './operations/drill/services.ts';
import { releaseSource } from './operations/hooked-capture.ts';
import { thawStep } from './operations/thaw/step.ts';
import { tickSource } from './operations/tick-source.ts';
import type { Site } from './site.ts';
import { productVersion } from './version.ts';

export interface ShortActivities {
  /** Answers: the host's worker is there. */
  ping(): Promise<{ readonly machine: string; readonly version: string }>;
  /** Runs the hooks after a source. Here, since it must stand still for no longer than its own capture takes. */
  release(input: StepInput & { readonly outcome: SourceOutcome }): Promise<HooksRun>;
  /** Ships the logs of one source, and copies what destinations lack. Bounded; what fails is in the result. */
  shipLogs(input: LogsInput): Promise<LogsTick>;
  /** Copies what a destination lacks. Here, since it must keep no capture from its turn; what fails is in the result. */
  deliver(input: DeliveryInput): Promise<Delivered>;
  /** Starts what a drill has recovered. Here, since no capture may stand before it. */
  startDrill(input: DrillSourceInput): Promise<DrillStarted>;
  /** Looks whether it does its work again. */
  probeDrill(input: DrillSourceInput): Promise<readonly Probed[]>;
  /** Ends all services of a drill, and removes what it has recovered. */
  tearDownDrill(input: DrillInput): Promise<void>;
  /** Asks a place of cold storage for what is frozen of a backup, and says how it stands. */
  thaw(input: ThawStepInput): Promise<ThawFacts>;
  /** Takes back what a restore in place has begun that was cancelled. Here, since its server may be stopped. */
  takeBack(input: InPlaceStepInput): Promise<TakenBack>;
}

/** @param openSite reads the config anew, so that a change counts from the next step on. */
export function shortActivities(
  openSite: () => Promise<Site>,
  { withSchedules }: { readonly withSchedules: WithSchedules },
): ShortActivities {
  return {
    ping: async () => ({ machine: hostname(), version: productVersion }),
    release: (sent) => {
      const { step, runId, waits, outcome, attempt = 1 } = received(releaseInput, sent);
      return runStep({ waits }, async (work) =>
        releaseSource({ site: await untilMended(openSite)(), source: step.source, runId, attempt, work }, outcome),
      );
    },
    shipLogs: (sent) => {
      const { runId, scheduled, step, waits } = received(logsInput, sent);
      return runStep({ waits }, async (work) =>
        tickSource({
          site: await openSite(),
          runId,
          scheduled,
          step,
          waits,
          attempt: Context.current().info.attempt,
          work,
        }),
      );
    },
    deliver: (sent) => {
      const { step, deadline, waits } = received(deliveryInput, sent);
      return runStep({ waits }, async (work) =>
        deliverCopies({ site: await openSite(), destination: step.destination, deadline, work }),
      );
    },
    startDrill: (sent) => {
      const { chosen, ...input } = received(drillSourceInput, sent);
      return runStep(input, async (work) => startDrilled({ site: await openSite(), input, chosen, work }));
    },
    probeDrill: (sent) => {
      const { chosen, ...input } = received(drillSourceInput, sent);
      return runStep(input, async (work) => probeDrilled({ site: await openSite(), input, chosen, work }));
    },
    tearDownDrill: (sent) => {
      const input = received(drillInput, sent);
      return runStep(input, async () => {
        const site = await openSite();
        await stopDrilled(site, input);
        await removeSandbox(site, input);
      });
    },
    thaw: (sent) => {
      const { waits, ...input } = received(thawStepInput, sent);
      return runStep({ waits }, async (work) => thawStep({ site: await openSite(), input, work }));
    },
    takeBack: (sent) => {
      const input = received(inPlaceStepInput, sent);
      return runStep({ waits: input.waits, outlasts: leavesUnfinished }, async (work) =>
        takeBackStep({ site: await untilMended(openSite)(), input, withSchedules, work }),
      );
    },
  };
}
