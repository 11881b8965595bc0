/** The steps on a host, as activities: parse, call, report. */
import type { Verified } from './operations/verify-copy.ts';
import type { PinnedReference } from '../model/reference.ts';
import type { RetentionSummary } from '../model/retention/summary.ts';
import type { CopiedBackup, HookedCapture, RetentionInput, SkippedCopy, StepInput } from '../model/run.ts';
import { copyInput, retentionInput, stepInput, verifyInput } from '../model/received.ts';
import type { DrillChoice, DrillInput, DrillRestored, DrillSourceInput } from '../model/drill/drill.ts';
import { drillInput, drillSourceInput } from '../model/received-drill.ts';
import type { FullBehind, FullBehindInput, InPlaceStepInput, PutInPlace } from '../model/in-place-run.ts';
import type { IntoStepInput, PutInto } from '../model/into-run.ts';
import {
  fullBehindInput,
  inPlaceStepInput,
  intoStepInput,
  restorePointRun,
  restoreStepInput,
} from '../model/received-restore.ts';
import type { PreparedPoint, RestorePointRun } from '../model/restore-point-run.ts';
import type { NotHere, Restored, RestoreStepInput } from '../model/restore-run.ts';
import { proveInput, testInput } from '../model/received-test.ts';
import type { Proven, TestChoice, TestInput } from '../model/restore-test.ts';
import { received, runStep } from './activity-work.ts';
import { untilMended } from './config/open-again.ts';
import type { CommandLine } from './command-line.ts';
import { copyToDestination } from './operations/copy-to.ts';
import { chooseDrill } from './operations/drill/choose.ts';
import { openChosen } from './operations/drill/open.ts';
import { provision } from './operations/drill/provision.ts';
import { restoreDrilled } from './operations/drill/restore.ts';
import { openLeft } from './operations/drill/sandbox.ts';
import { hookedCapture } from './operations/hooked-capture.ts';
import type { WithSchedules } from './operations/in-place/index.ts';
import { leavesUnfinished } from './operations/in-place/journal.ts';
import { fullBehindStep, inPlaceStep } from './operations/in-place/run-step.ts';
import { chooseTest } from './operations/proof/choose.ts';
import { proveTest } from './operations/proof/prove.ts';
import { intoStep } from './operations/restore-into.ts';
import { preparePoint } from './operations/restore-point/prepare.ts';
import { restoreStep } from './operations/restore-run.ts';
import { prune } from './operations/prune/index.ts';
import { makeScratch } from './operations/scratch-place.ts';
import { sweepLeft } from './operations/sweep-left.ts';
import { verifyInRepository } from './operations/verify-copy.ts';
import type { Site } from './site.ts';

/** What only a client has, and whoever starts a worker gives to it. */
export interface OfClient {
  /** Gives the commands of drills. */
  readonly commandLine: CommandLine;
  /** Pauses schedules during a restore in place. */
  readonly withSchedules: WithSchedules;
}

export interface BackupActivities {
  /** Runs the hooks before the source when its turn has come, then captures it. */
  capture(input: StepInput): Promise<HookedCapture>;
  copy(
    input: StepInput & { readonly backup: PinnedReference; readonly destination: string },
  ): Promise<CopiedBackup | SkippedCopy>;
  verify(input: StepInput & { readonly backup: PinnedReference }): Promise<Verified>;
  /** Restores a backup to a folder of this host. */
  restore(input: RestoreStepInput): Promise<Restored>;
  /** Restores in place of the data of a source's own server, which are kept beside it. */
  restoreInPlace(input: InPlaceStepInput): Promise<PutInPlace | NotHere>;
  /** Restores a database, tables or keys into a running server. */
  restoreInto(input: IntoStepInput): Promise<PutInto | NotHere>;
  /** Makes the full behind a restore in place, and copies it. */
  fullBehind(input: FullBehindInput): Promise<FullBehind>;
  /** Makes ready the folder of a restore of a recovery point, and says what of it is there already. */
  preparePoint(input: RestorePointRun): Promise<PreparedPoint>;
  /** Which backup of a source a restore test takes, and from where. */
  chooseTest(input: TestInput): Promise<TestChoice>;
  /** Restores it into scratch, checks and measures it, and records what it showed. */
  proveTest(input: TestInput & { readonly choice: TestChoice }): Promise<Proven>;
  /** Makes the host ready for a drill. */
  provisionDrill(input: DrillInput): Promise<void>;
  /** What it recovers, and from where. */
  chooseDrill(input: DrillInput): Promise<DrillChoice>;
  /** Finds the backup of a source, and opens its key. @returns the place of the copy; null is the repository. */
  fetchDrill(input: DrillSourceInput): Promise<{ readonly place: string | null }>;
  restoreDrill(input: DrillSourceInput): Promise<DrillRestored>;
  /** Deletes what is due of sources of the host, at every place where it may. */
  retention(input: RetentionInput): Promise<RetentionSummary>;
}

/**
 * @param openSite reads the config anew, so that a change counts from the next step on.
 */
export function backupActivities(
  openSite: () => Promise<Site>,
  { commandLine, withSchedules }: OfClient,
): BackupActivities {
  return {
    capture: (sent) => {
      const { step, runId, scheduled, waits, attempt = 1 } = received(stepInput, sent);
      return runStep({ waits }, async (work) =>
        hookedCapture({
          site: await untilMended(openSite)(),
          source: step.source,
          tier: step.tier,
          runId,
          scheduled,
          attempt,
          busy: waits.busy,
          planned: step.hooks ?? [],
          work,
        }),
      );
    },
    ...copyActivities(openSite),
    verify: (sent) => {
      const { backup, waits } = received(verifyInput, sent);
      return runStep({ waits }, async (work) =>
        verifyInRepository({ site: await untilMended(openSite)(), backup, work }),
      );
    },
    restore: (sent) => {
      const input = received(restoreStepInput, sent);
      return runStep({ waits: input.waits }, async (work) => restoreStep({ site: await openSite(), input, work }));
    },
    restoreInPlace: (sent) => {
      const input = received(inPlaceStepInput, sent);
      return runStep({ waits: input.waits, outlasts: leavesUnfinished }, async (work) =>
        inPlaceStep({ site: await openSite(), input, withSchedules, work }),
      );
    },
    restoreInto: (sent) => {
      const input = received(intoStepInput, sent);
      return runStep({ waits: input.waits }, async (work) => intoStep({ site: await openSite(), input, work }));
    },
    fullBehind: (sent) => {
      const input = received(fullBehindInput, sent);
      return runStep({ waits: input.waits }, async (work) =>
        fullBehindStep({ site: await untilMended(openSite)(), input, work }),
      );
    },
    preparePoint: (sent) => {
      const input = received(restorePointRun, sent);
      return runStep({ waits: input.waits }, async () => preparePoint(await openSite(), input));
    },
    chooseTest: (sent) => {
      const { runId, step, waits } = received(testInput, sent);
      return runStep({ waits }, async () => chooseTest({ site: await openSite(), source: step.source, runId }));
    },
    proveTest: (sent) => {
      const { step, choice, waits } = received(proveInput, sent);
      return runStep({ waits }, async (work) => {
        const site = await openSite();
        await sweepLeft(site, work.log);
        const within = await makeScratch(site, 'restore-tests');
        return proveTest({ site, source: step.source, choice, within, work });
      });
    },
    provisionDrill: (sent) => {
      const input = received(drillInput, sent);
      return runStep(input, async (work) => provision(await openSite(), input, work));
    },
    chooseDrill: (sent) => {
      const input = received(drillInput, sent);
      return runStep(input, async () => chooseDrill(await openSite(), input));
    },
    fetchDrill: (sent) => {
      const { chosen, ...input } = received(drillSourceInput, sent);
      return runStep(input, async (work) => {
        const { place } = await openChosen(await openLeft(await openSite(), input), chosen, work);
        return { place };
      });
    },
    restoreDrill: (sent) => {
      const { chosen, ...input } = received(drillSourceInput, sent);
      return runStep(input, async (work) =>
        restoreDrilled({ site: await openSite(), input, chosen, commandLine, work }),
      );
    },
    retention: (sent) => {
      const { waits, sources } = received(retentionInput, sent);
      return runStep(
        { waits },
        async (work) => (await prune({ site: await openSite(), sources, apply: true, work })).summary,
      );
    },
  };
}

/** The one step of the host's queue of copies. */
export function copyActivities(openSite: () => Promise<Site>): Pick<BackupActivities, 'copy'> {
  return {
    copy: (sent) => {
      const { backup, destination, step, waits } = received(copyInput, sent);
      return runStep({ waits }, async (work) =>
        copyToDestination({ site: await untilMended(openSite)(), backup, destination, tier: step.tier, work }),
      );
    },
  };
}
