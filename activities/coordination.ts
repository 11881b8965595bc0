/** The steps of the coordinator, as activities: what a run is to do, and the record of what it did. */
import type { CatchUpSpec, Delivered } from '../model/catch-up.ts';
import type { LogsSpec } from '../model/logs-run.ts';
import type { HookTime } from '../model/config/hooks.ts';
import type { Outcome } from '../model/recovery-point.ts';
import type { HooksRun, PlanInput, RunReport, RunSpec, SourceReport, StepError } from '../model/run.ts';
import { z } from 'zod';
import type { DrillAsked, DrillReport, DrillSpec } from '../model/drill/drill.ts';
import { isTornDown } from '../model/drill/steps.ts';
import { drillAsked, drillReport } from '../model/received-drill.ts';
import { thawReport } from '../model/received-thaw.ts';
import type { TestSpec } from '../model/restore-test.ts';
import type { ThawReport } from '../model/thaw.ts';
import {
  catchUpSpec,
  delivered,
  logsSpec,
  planHookInput,
  planInput,
  runReport,
  runSpec,
  sourceReport,
  waitingStep,
} from '../model/received.ts';
import type { WaitingStep } from '../model/run-alerts.ts';
import { received, runStep } from './activity-work.ts';
import { planCatchUp } from './operations/catch-up/plan.ts';
import { tellCopies } from './operations/catch-up/tell.ts';
import { planLogs } from './operations/plan-logs.ts';
import { planHook } from './operations/plan-hook.ts';
import { planRun } from './operations/plan-run.ts';
import { writeRecoveryPoint } from './operations/recovery-point.ts';
import { planDrill } from './operations/drill/plan.ts';
import { reportDrill } from './operations/drill/report.ts';
import { tellDrill } from './operations/drill/tell.ts';
import { planTest } from './operations/proof/plan.ts';
import { tellTests } from './operations/proof/tell.ts';
import { tellThaw } from './operations/thaw/tell.ts';
import { tellLogs } from './operations/tell-logs.ts';
import { tellBegun, tellRun, tellWaiting } from './operations/tell-run.ts';
import type { Site } from './site.ts';

export interface CoordinationActivities {
  /** Answers: the coordinator's worker is there. */
  ping(): Promise<void>;
  planRun(input: PlanInput): Promise<RunSpec>;
  planLogs(input: PlanInput): Promise<LogsSpec>;
  /** @returns the notifiers that failed. */
  tellLogs(input: {
    readonly spec: LogsSpec;
    readonly sources: readonly SourceReport[];
  }): Promise<readonly StepError[]>;
  planCatchUp(input: PlanInput): Promise<CatchUpSpec>;
  /** @returns the notifiers that failed. */
  tellCopies(input: {
    readonly spec: CatchUpSpec;
    readonly destinations: readonly Delivered[];
  }): Promise<readonly StepError[]>;
  /** @returns the notifiers that failed. */
  tellThaw(report: ThawReport): Promise<readonly StepError[]>;
  /** Runs the hooks of a plan, before or after. */
  planHook(input: {
    readonly spec: Pick<RunSpec, 'runId' | 'site' | 'plan' | 'waits'>;
    readonly when: HookTime;
    readonly outcome: Outcome | null;
  }): Promise<HooksRun>;
  /** @returns the notifiers that failed. */
  tellWaiting(waiting: WaitingStep): Promise<readonly StepError[]>;
  /** @returns the notifiers that failed. */
  tellRun(input: { readonly spec: Pick<RunSpec, 'plan'>; readonly report: RunReport }): Promise<readonly StepError[]>;
  planTest(input: PlanInput): Promise<TestSpec>;
  planDrill(input: DrillAsked & { readonly scheduled: string }): Promise<DrillSpec>;
  /** Signs and keeps the report of a drill, and writes the documents that come of it. */
  recordDrill(input: { readonly report: DrillReport }): Promise<readonly StepError[]>;
  /** @returns the notifiers that failed. */
  tellDrill(input: { readonly report: DrillReport }): Promise<readonly StepError[]>;
  /** @returns the notifiers that failed. */
  tellTests(input: { readonly report: RunReport }): Promise<readonly StepError[]>;
  signRecoveryPoint(input: {
    readonly spec: RunSpec;
    readonly report: RunReport;
  }): Promise<{ readonly warnings: readonly string[] }>;
}

const endedRun = z.object({ spec: runSpec, report: runReport });
const toldRun = z.object({ spec: runSpec.pick({ plan: true }), report: runReport });

/** @param openSite reads the config anew at the start of each run. */
export function coordinationActivities(openSite: () => Promise<Site>): CoordinationActivities {
  return {
    ping: async () => {},
    planRun: (sent) => {
      const input = received(planInput, sent);
      return runStep({}, async () => planRun(await openSite(), input));
    },
    planLogs: (sent) => {
      const input = received(planInput, sent);
      return runStep({}, async () => planLogs(await openSite(), input));
    },
    tellLogs: (sent) => {
      const { spec, sources } = received(z.object({ spec: logsSpec, sources: z.array(sourceReport) }), sent);
      return runStep({}, async (work) => tellLogs({ site: await openSite(), spec, sources, work }));
    },
    planCatchUp: (sent) => {
      const input = received(planInput, sent);
      return runStep({}, async () => planCatchUp(await openSite(), input));
    },
    tellCopies: (sent) => {
      const { spec, destinations } = received(z.object({ spec: catchUpSpec, destinations: z.array(delivered) }), sent);
      return runStep({}, async (work) => tellCopies({ site: await openSite(), spec, destinations, work }));
    },
    tellThaw: (sent) => {
      const report = received(thawReport, sent);
      return runStep({}, async (work) => tellThaw({ site: await openSite(), report, work }));
    },
    planHook: (sent) => {
      const { spec, when, outcome } = received(planHookInput, sent);
      return runStep({ waits: spec.waits }, async (work) =>
        planHook({ site: await openSite(), spec, when, outcome, work }),
      );
    },
    tellWaiting: (sent) => {
      const waiting = received(waitingStep, sent);
      return runStep({}, async (work) => tellWaiting({ site: await openSite(), waiting, work }));
    },
    tellRun: (sent) => {
      const { spec, report } = received(toldRun, sent);
      return runStep({}, async (work) => tellRun({ site: await openSite(), spec, report, work }));
    },
    planTest: (sent) => {
      const input = received(planInput, sent);
      return runStep({}, async () => planTest(await openSite(), input));
    },
    planDrill: (sent) => {
      const input = received(drillAsked, sent);
      return runStep({}, async () => planDrill(await openSite(), input));
    },
    recordDrill: (sent) => {
      const { report } = received(z.object({ report: drillReport }), sent);
      return runStep({}, async (work) => reportDrill({ site: await openSite(), report, work }));
    },
    tellDrill: (sent) => {
      const { report } = received(z.object({ report: drillReport }), sent);
      return runStep({}, async (work) => {
        const of = { site: await openSite(), report, work };
        const begun = await tellBegun({ ...of, plan: 'drill', runId: report.runId, isOver: isTornDown(report) });
        return [...begun, ...(await tellDrill(of))];
      });
    },
    tellTests: (sent) => {
      const { report } = received(z.object({ report: runReport }), sent);
      return runStep({}, async (work) => {
        const of = { site: await openSite(), report, work };
        const begun = await tellBegun({ ...of, plan: 'restore-test', runId: report.runId, isOver: true });
        return [...begun, ...(await tellTests(of))];
      });
    },
    signRecoveryPoint: (sent) => {
      const { spec, report } = received(endedRun, sent);
      return runStep({ waits: spec.waits }, async (work) =>
        writeRecoveryPoint({ site: await openSite(), spec, report, work }),
      );
    },
  };
}
