/** The restore test of one source: a backup is chosen → restored into scratch on its host, checked and measured. A failure stays with its source. */
import { setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { Outcome } from '../model/recovery-point.ts';
import {
  chooseId,
  restoreId,
  testOutcome,
  testSteps,
  type Proven,
  type TestChoice,
  type TestInput,
  type TestReport,
} from '../model/restore-test.ts';
import type { StepError } from '../model/run.ts';
import { runGraph, testStatus } from './messages.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepRunner, type Ended } from './step-runner.ts';
import { hostSteps, reachHost } from './steps.ts';
import { testDetails } from './test-details.ts';
import { waitingTeller } from './waiting-teller.ts';

export interface TestSourceInput extends TestInput {
  readonly site: string;
  /** Whether somebody is told of alerts. */
  readonly notified: boolean;
}

export async function testSource(input: TestSourceInput): Promise<TestReport> {
  const { site, runId, step, waits } = input;
  const { source, host } = step;
  const errors: StepError[] = [];
  let choice: TestChoice | null = null;
  let proven: Proven | null = null;
  let outcome: Outcome | null = null;

  const teller = waitingTeller(input);
  const runner = stepRunner({
    steps: testSteps(step),
    changed: (changed) => {
      teller.changed(changed);
      show();
    },
  });
  setHandler(testStatus, report);
  setHandler(runGraph, () => ({ runId, outcome, steps: runner.steps() }));

  try {
    await prove();
  } catch (error) {
    // Cancelled: what had begun is not shown as if it went on.
    runner.abandon();
    show();
    throw error;
  }
  outcome = testOutcome({ proven, errors });
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  show();
  await teller.ended();
  return report();

  async function prove(): Promise<void> {
    choice = valueOf(
      await attempts(chooseId(source), `choose a backup of ${source}`, (left, options) =>
        hostSteps(site, input, left).chooseTest.executeWithOptions(options, [input]),
      ),
    );
    if (choice) proven = await restore(choice);
    else runner.leaveOut([restoreId(source)]);
  }

  async function restore(chosen: TestChoice): Promise<Proven | null> {
    const { backup, place } = chosen;
    const summary = `restore ${backup.reference} from ${place ?? 'the repository'}, and check it`;
    const ended = await attempts(restoreId(source), summary, (left, options) =>
      hostSteps(site, input, left).proveTest.executeWithOptions(options, [{ ...input, choice: chosen }]),
    );
    const value = valueOf(ended);
    if (value?.measured) runner.stored(restoreId(source), value.measured.bytes);
    return value;
  }

  function attempts<T>(
    id: string,
    summary: string,
    attempt: (left: number, options: { readonly summary: string; readonly activityId: string }) => Promise<T>,
  ): Promise<Ended<T>> {
    const { deadline, retryFirst, retryMax } = waits;
    const of = { name: host, first: true, reach: reachHost(site, host) };
    return runner.run(id, { deadline, retryFirst, retryMax, host: of }, ({ left }) =>
      attempt(left, { summary, activityId: id }),
    );
  }

  /** The value of a step that was done; of one that was not its error is noted. */
  function valueOf<T>(ended: Ended<T>): T | null {
    if (ended.ok) return ended.value;
    errors.push(ended.error);
    return null;
  }

  function report(): TestReport {
    return { source, host, outcome, choice, proven, errors };
  }

  function show(): void {
    setCurrentDetails(testDetails([report()], runner.steps(), runId));
  }
}
