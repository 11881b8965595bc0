/** What a run of restore tests is to do, read from the config. */
import { hostOf } from '../../../model/config/hosts.ts';
import { BackupError } from '../../../model/errors.ts';
import { runId, type PlanInput } from '../../../model/run.ts';
import type { TestSpec } from '../../../model/restore-test.ts';
import { scheduledTime } from '../../../model/time.ts';
import type { Site } from '../../site.ts';
import { sourceConfig } from '../source-config.ts';

/** @throws BackupError `config` when the site is another; `not-found` for a source that there is not. */
export function planTest(site: Site, input: PlanInput): TestSpec {
  const { config, file } = site;
  if (input.site !== config.site) {
    throw new BackupError('config', `this worker serves the site "${config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${file}.`,
    });
  }
  const { host, sources, deadline, alertAfter, remindAfter, ...waits } = config.plans.restoreTest;
  const { retryFirst, retryMax, heartbeat, standstill } = waits;
  const names = [...new Set(input.sources ?? sources ?? Object.keys(config.sources))];
  return {
    runId: runId(input.plan, input.scheduled),
    site: config.site,
    plan: input.plan,
    scheduled: scheduledTime(input.scheduled),
    steps: names.map((source) => ({
      source,
      type: sourceConfig(site, source).type,
      host: host ?? hostOf(config, source),
    })),
    waits: { deadline, retryFirst, retryMax, heartbeat, standstill, alertAfter, remindAfter },
    notified: config.notify.length > 0,
  };
}
