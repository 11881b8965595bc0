import assert from 'node:assert/strict';
import { difference, inWords, type Existing } from '../../../client/schedules/difference.ts';
import { wantedSchedules, type Schedule } from '../../../client/schedules/wanted.ts';
import { siteConfig, type SiteConfig, type SiteInput } from '../../../model/config/site.ts';

const RECIPIENTS = [
  'age1cw6xvz5jp3uf3ndj5x3e2sdg3qkct4n6dj9yy5zy5y0cu64hlydqdlzuht',
  'age1fq5q27u9g73evp676ultr58lpjx79szy6nu9j79q67sdx8wg0c9qrxk0kt',
];

function config(options: Partial<SiteInput> = {}): SiteConfig {
  return siteConfig.parse({
    site: 'prod',
    repository: '/backups',
    encryption: { recipients: RECIPIENTS },
    signing: {},
    sources: { postgres: { type: 'postgres' } },
    ...options,
  });
}

describe('the schedules that a config wants', () => {
  it('ship logs every five minutes, carry site and plan alone, and make up nothing that is older than a tick', () => {
    const [logs, ...others] = wantedSchedules(config());
    assert.deepEqual(others, []);
    assert.equal(logs?.id, 'mosaic-backup/prod/logs');
    assert.equal(logs.every, 300_000);
    assert.equal(logs.overlap, 'SKIP');
    assert.ok(logs.catchUp < logs.every);
    assert.deepEqual(logs.input, { site: 'prod', plan: 'logs' });
  });

  it('never catch up for as long as their interval, however short', () => {
    for (const every of ['20s', '1m', '1h', '1d']) {
      const [logs] = wantedSchedules(config({ plans: { logs: { every } } }));
      assert.ok(logs && logs.catchUp < logs.every && logs.catchUp >= 10_000, every);
    }
    assert.equal(siteConfig.safeParse({ ...config(), plans: { logs: { every: '5s' } } }).success, false);
  });

  it('catch up with destinations every fifteen minutes, where there are any', () => {
    const destinations = { vault: { type: 'directory' as const, path: '/mnt/vault' } };
    const [catchUp, logs, ...others] = wantedSchedules(config({ destinations }));
    assert.deepEqual([catchUp?.id, logs?.id, others], ['mosaic-backup/prod/catch-up', 'mosaic-backup/prod/logs', []]);
    assert.equal(catchUp?.every, 900_000);
    assert.deepEqual([catchUp.workflowType, catchUp.workflowId], ['catchUp', 'catch-up']);
    assert.deepEqual(catchUp.input, { site: 'prod', plan: 'catch-up' });
  });

  it('are none where no source ships logs', () => {
    const files = { stack: { type: 'files' as const, paths: ['/opt'] } };
    assert.deepEqual(wantedSchedules(config({ sources: files })), []);
    assert.deepEqual(
      wantedSchedules(config({ sources: { postgres: { type: 'postgres', logs: { enabled: false } } } })),
      [],
    );
  });
});

describe('the difference of schedules', () => {
  const [wanted] = wantedSchedules(config());

  function existing(schedule: Schedule | null, paused = false): Existing {
    return { id: schedule?.id ?? wanted?.id ?? '', paused, schedule };
  }

  it('is nothing, one to make, one to change or one to remove, in words', () => {
    assert.ok(wanted);
    assert.deepEqual(difference([wanted], [existing(wanted)]), []);
    const slower = { ...wanted, every: 600_000 };
    const words = [
      ...difference([wanted], []),
      ...difference([wanted], [existing(slower, true)]),
      ...difference([wanted], [existing(null)]),
      ...difference([], [existing(wanted)]),
    ].map(inWords);
    assert.deepEqual(words, [
      '+ mosaic-backup/prod/logs: every 5m',
      '~ mosaic-backup/prod/logs: every 10m → every 5m (stays paused)',
      '~ mosaic-backup/prod/logs: changed by hand → every 5m',
      '- mosaic-backup/prod/logs',
    ]);
  });
});
