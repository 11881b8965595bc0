/** The coordinator tells whoever is named in the config which backups did not restore. */
import { testConditions, testKeys } from '../../../model/test-alerts.ts';
import type { RunReport, StepError } from '../../../model/run.ts';
import { tellRemembered } from '../../notify/tell-remembered.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';

export interface TellTestsRequest {
  readonly site: Site;
  readonly report: RunReport;
  readonly now?: number;
  readonly work: Work;
}

/** @returns the notifiers that failed. */
export function tellTests({ site, report, now, work }: TellTestsRequest): Promise<readonly StepError[]> {
  const { tests = [], runId: run } = report;
  const tested = testKeys(tests);
  return tellRemembered({
    site,
    teller: 'tests',
    run,
    find: () => ({ found: testConditions(tests) }),
    lookedFor: ({ key }) => tested.has(key),
    remindAfter: site.config.plans.restoreTest.remindAfter,
    now,
    work,
  });
}
