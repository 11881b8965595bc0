/** The coordinator tells whoever is named in the config which backups did not restore. */
import { testConditions, testKeys } from '../../../model/test-alerts.ts';
import type { RunReport, StepError } from '../../../model/run.ts';
import { readMemory } from '../../notify/memory.ts';
import { tellRemembered } from '../../notify/tell-remembered.ts';
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
    const memory = await readMemory(site.state, 'tests');
    const found = testConditions(tests);
    return tellRemembered({
      site,
      teller: 'tests',
      memory,
      run,
      found,
      lookedFor: ({ key }) => tested.has(key),
      remindAfter,
      now,
      work,
    });
  });
}
