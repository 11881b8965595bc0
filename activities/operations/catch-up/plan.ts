/** What a tick of catch-up is to do, read from the config. */
import type { CatchUpSpec, CatchUpWaits } from '../../../model/catch-up.ts';
import { coordinatorOf, hostNames, hostOf } from '../../../model/config/hosts.ts';
import { BackupError } from '../../../model/errors.ts';
import { runId, type PlanInput } from '../../../model/run.ts';
import { scheduledTime } from '../../../model/time.ts';
import type { Site } from '../../site.ts';

/**
 * Each destination, from each host that has backups or signs recovery points.
 * @throws BackupError `config` when the site is another, `usage` when sources were asked for.
 */
export function planCatchUp({ config, file }: Pick<Site, 'config' | 'file'>, input: PlanInput): CatchUpSpec {
  if (input.site !== config.site) {
    throw new BackupError('config', `this worker serves the site "${config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${file}.`,
    });
  }
  if (input.sources !== undefined) {
    throw new BackupError('usage', 'catch-up copies whatever is lacking, of all sources', {
      remedy: 'Leave --source out.',
    });
  }
  const capturing = new Set(Object.keys(config.sources).map((source) => hostOf(config, source)));
  const hosts = hostNames(config).filter((host) => capturing.has(host) || host === coordinatorOf(config));
  return {
    runId: runId(input.plan, input.scheduled),
    site: config.site,
    plan: input.plan,
    scheduled: scheduledTime(input.scheduled),
    steps: Object.keys(config.destinations).flatMap((destination) => hosts.map((host) => ({ destination, host }))),
    deadline: config.plans.catchUp.deadline,
    waits: waitsOf(config.plans.catchUp),
    notified: config.notify.length > 0,
  };
}

function waitsOf({ workerDeadline, retryFirst, heartbeat, standstill }: CatchUpWaits): CatchUpWaits {
  return { workerDeadline, retryFirst, heartbeat, standstill };
}
