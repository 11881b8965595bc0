/** Whether the newest success of each source of this host is young enough: by the manifests of its repository, whatever Temporal says. */
import { shipsLogs } from '../../activities/operations/ship-logs.ts';
import type { Site } from '../../activities/site.ts';
import type { Condition } from '../../model/alert.ts';
import { hostOf } from '../../model/config/hosts.ts';
import { formatDuration } from '../../model/units.ts';
import { aheadOf, aheadText, isDatedAhead } from '../backups/ahead.ts';
import { restoredSince } from '../backups/in-place.ts';
import { isAuthentic, readOverview, verdictOf, type Overview } from '../backups/overview.ts';
import { logsStatus } from '../backups/logs-status.ts';
import { lossOf } from '../backups/status.ts';
import { allowedAge } from './allowed-age.ts';
import { lookedAt, type Look } from './look.ts';

/** @throws BackupError where the repository is not there. */
export async function lookAtBackups(site: Site, now: number): Promise<Look> {
  const { sources } = site.config;
  const own = Object.entries(sources).filter(([name]) => hostOf(site.config, name) === site.host);
  const logs = own.some(([, config]) => shipsLogs(config));
  const overview = await readOverview(site, null, { alone: true, logs });
  const found = await Promise.all(own.map(([name]) => overdue(site, { name, overview, now })));
  const ahead = own.map(([source]) => future(site, { name: source, overview, now }));
  return lookedAt(
    ['backup-overdue', 'backup-future'],
    [...found, ...ahead].filter((one) => one !== undefined),
  );
}

interface Asked {
  readonly name: string;
  readonly overview: Overview;
  readonly now: number;
}

async function overdue(site: Site, { name, overview, now }: Asked): Promise<Condition | undefined> {
  const config = site.config.sources[name];
  const entries = overview.entries.filter(({ source }) => source === name);
  const newest = entries.find(
    (entry) =>
      entry.backup.name.tier !== null &&
      // As new as can be until its day, it would hide that nothing comes any more.
      !isDatedAhead(entry, now) &&
      isAuthentic(overview, entry.backup) &&
      !['damaged', 'broken'].includes(verdictOf(entry)),
  );
  if (!newest) {
    const message = `${name}: there is no backup of it that counts in the repository of ${site.host}.`;
    return condition(site, name, message, 'daily');
  }
  const age = Math.max(0, now - Date.parse(newest.backup.manifest.started));
  const objective = config?.objectives?.rpo;
  // Logs may reach further, and keep an objective of minutes; but without a new full they are of no use some day.
  if (age > Math.max(allowedAge(site.config, name), objective ?? 0)) {
    const message = `${name}: its newest backup, ${newest.reference}, is ${formatDuration(age)} old.`;
    return condition(site, name, message, 'daily');
  }
  if (objective === undefined) return undefined;
  const since = await restoredSince(site, name);
  const logs = config && shipsLogs(config) ? logsStatus({ overview, since, source: name, now }) : null;
  const loss = lossOf({ age, logs });
  if (loss === null || loss <= objective) return undefined;
  const message = `${name}: it can be restored up to ${formatDuration(loss)} ago, the objective is ${formatDuration(objective)}.`;
  return condition(site, name, message, logs === null ? 'daily' : 'logs');
}

function future({ host }: Site, { name, overview, now }: Asked): Condition | undefined {
  const ahead = aheadOf(overview, name, now).map(({ reference }) => reference);
  const text = aheadText(name, ahead);
  if (text === null) return undefined;
  const key = `backup-future/${name}`;
  return {
    alert: 'backup-future',
    key,
    source: name,
    host,
    message: `${text.message}.`,
    remedy: `${text.remedy}.`,
    once: false,
  };
}

function condition({ host }: Site, source: string, message: string, plan: 'daily' | 'logs'): Condition {
  return {
    alert: 'backup-overdue',
    key: `backup-overdue/${source}`,
    source,
    host,
    message,
    remedy: `mosaic-backup run ${plan} --source ${source} makes one now, or says what is wrong.`,
    once: false,
  };
}
