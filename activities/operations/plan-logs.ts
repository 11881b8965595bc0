/** What a tick of log shipping is to do, read from the config. */
import { hostOf } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import type { LogsSpec, LogsStep, LogsWaits } from '../../model/logs-run.ts';
import { runId, type PlanInput } from '../../model/run.ts';
import { scheduledTime } from '../../model/time.ts';
import type { Site } from '../site.ts';
import { shipsLogs } from './ship-logs.ts';
import { sourceConfig } from './source-config.ts';

/**
 * Every source that ships logs, or those that were asked for.
 * @throws BackupError `not-found` when a source that was asked for is not in the config; `config` when it ships no
 *   logs, or the site is another.
 */
export function planLogs(site: Site, input: PlanInput): LogsSpec {
  const { config } = site;
  if (input.site !== config.site) {
    throw new BackupError('config', `this worker serves the site "${config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${site.file}.`,
    });
  }
  const asked = input.sources && [...new Set(input.sources)];
  for (const source of asked ?? []) requireLogs(site, source);
  const names = asked ?? sourcesWithLogs(site);
  return {
    runId: runId(input.plan, input.scheduled),
    site: config.site,
    plan: input.plan,
    scheduled: scheduledTime(input.scheduled),
    steps: names.map((source) => stepOf(site, source)),
    waits: waitsOf(config.plans.logs),
    notified: config.notify.length > 0,
  };
}

/** The sources of a site that ship logs. */
export function sourcesWithLogs({ config }: Pick<Site, 'config'>): readonly string[] {
  return Object.entries(config.sources).flatMap(([name, source]) => (shipsLogs(source) ? [name] : []));
}

function requireLogs(site: Site, source: string): void {
  const config = sourceConfig(site, source);
  if (shipsLogs(config)) return;
  const disabled = 'logs' in config && !config.logs.enabled;
  throw new BackupError('config', `the source "${source}" ships no logs`, {
    remedy: disabled
      ? `Set sources.${source}.logs.enabled to true in ${site.file}.`
      : `Those that do: ${sourcesWithLogs(site).join(', ') || 'none'}.`,
  });
}

function stepOf(site: Site, source: string): LogsStep {
  const config = sourceConfig(site, source);
  return {
    source,
    type: config.type,
    host: hostOf(site.config, source),
    destinations: Object.entries(site.config.destinations)
      .filter(([, { tiers }]) => !tiers || tiers.includes('daily') || tiers.includes('weekly'))
      .map(([destination]) => destination),
    deadline: 'logs' in config ? config.logs.deadline : 0,
  };
}

function waitsOf({ workerDeadline, retryFirst, heartbeat, standstill, busy }: LogsWaits): LogsWaits {
  return { workerDeadline, retryFirst, heartbeat, standstill, busy };
}
