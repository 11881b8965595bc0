/** The coordinator tells whoever is named in the config which backups did not restore. */
import { testConditions, testKeys } from '../../../model/test-alerts.ts';
import type { RunReport, StepError } from '../../../model/run.ts';
import { readMemory, writeMemory, type Remembered } from '../../notify/memory.ts';
import { tell } from '../../notify/tell.ts';
import { inTurn } from '../../notify/turn.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';

export interface TellTestsRequest {
  readonly site: Site;
  readonly report: RunReport;
  readonly now?: number;
  readonly work: Work;
}

/** @returns the notifiers that failed. */
export function tellTests({ site, report, work, ...when }: TellTestsRequest): Promise<readonly StepError[]> {
  const { tests = [], runId: run } = report;
  const tested = testKeys(tests);
  return inTurn('tests', async () => {
    const now = when.now ?? Date.now();
    const { remindAfter } = site.config.plans.restoreTest;
    const { fresh, open: before } = await readMemory(site.state, 'tests');
    const found = testConditions(tests);
    const note = (open: readonly Remembered[]) => writeMemory(site.state, 'tests', { fresh, open: [...open] });
    const { open, errors } = await tell({
      site,
      run,
      found,
      before,
      lookedFor: ({ key }) => tested.has(key),
      remindAfter,
      now,
      note,
      work,
    });
    await note(open);
    return errors;
  });
}
