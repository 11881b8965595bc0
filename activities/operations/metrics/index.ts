/** The metrics of one host, computed from its repository at each scrape, so that a restart forgets nothing. */
import { BackupError } from '../../../model/errors.ts';
import type { Metric } from '../../../model/metrics.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { readDrillsAt } from '../../storage/drills.ts';
import { readRecoveryPoints } from '../../storage/recovery-points.ts';
import { openRepository } from '../../storage/repository.ts';
import { productVersion } from '../../version.ts';
import { drillMetrics } from './drills.ts';
import { countFailures } from './failures.ts';
import { newestSuccesses } from './newest.ts';

/** A repository that cannot be read is a metric of its own, and no other is given: none is better than an old one. */
export async function siteMetrics(site: Site, now = Date.now()): Promise<readonly Metric[]> {
  const of = { site: site.config.site };
  const info: Metric = {
    name: 'backup_info',
    help: 'What runs here.',
    type: 'gauge',
    samples: [{ labels: { ...of, host: site.host, version: productVersion }, value: 1 }],
  };
  try {
    return [info, readable(of, site.host, 1), ...(await computed(site, now))];
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return [info, readable(of, site.host, 0)];
  }
}

function readable(of: { readonly site: string }, host: string, value: number): Metric {
  return {
    name: 'backup_repository_readable',
    help: '1 where the repository could be read just now, else 0: the metrics of its backups are absent then.',
    type: 'gauge',
    samples: [{ labels: { ...of, host }, value }],
  };
}

async function computed(site: Site, now: number): Promise<readonly Metric[]> {
  const [store, trusted] = await Promise.all([openRepository(site), trustedKeys(site)]);
  const [newest, points, drills] = await Promise.all([
    newestSuccesses({ site, store, trusted, now }),
    readRecoveryPoints(store, trusted),
    readDrillsAt(store, trusted),
  ]);
  const failures = await countFailures(site.state, points.read);
  const of = { site: site.config.site };

  function gauge(name: string, help: string, value: (one: (typeof newest)[number]) => number): Metric {
    const samples = newest.map((one) => {
      const { source, plan, destination } = one;
      return { labels: { ...of, source, plan, destination }, value: value(one) };
    });
    return { name, help, type: 'gauge', samples };
  }

  return [
    gauge(
      'backup_last_success_timestamp',
      'When the newest backup that no check found damaged, and no clock has dated into the future, was sealed, in seconds since the epoch: in the repository, and the newest at each destination.',
      ({ finished }) => Date.parse(finished) / 1000,
    ),
    gauge('backup_duration_seconds', 'How long its capture took.', ({ duration }) => duration / 1000),
    gauge('backup_size_bytes', 'How large it is as stored.', ({ size }) => size),
    {
      name: 'backup_failure_total',
      help: 'Runs in which a source was neither complete nor skipped by a hook; destination names the one whose copy failed first, else it is empty.',
      type: 'counter',
      samples: failures.map(({ source, plan, destination, total }) => ({
        labels: { ...of, source, plan, destination },
        value: total,
      })),
    },
    ...drillMetrics(site.config, drills.read, now),
  ];
}
