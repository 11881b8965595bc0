import assert from 'node:assert/strict';
import { difference, inWords, type Existing } from '../../../client/schedules/difference.ts';
import { wantedSchedules, type Schedule } from '../../../client/schedules/wanted.ts';
import { siteConfig, type SiteConfig, type SiteInput } from '../../../model/config/site.ts';

const RECIPIENTS = [
  'age1cw6xvz5jp3uf3ndj5x3e2sdg3qkct4n6dj9yy5zy5y0cu64hlydqdlzuht',
  'age1fq5q27u9g73evp676ultr58lpjx79szy6nu9j79q67sdx8wg0c9qrxk0kt',
];

/** Without the plans that have a time of day, which are looked at below. */
const NO_DATES = { daily: { enabled: false }, weekly: { enabled: false }, monthly: { enabled: false } };

function config(options: Partial<SiteInput> = {}): SiteConfig {
  return siteConfig.parse({
    site: 'prod',
    repository: '/backups',
    encryption: { recipients: RECIPIENTS },
    signing: {},
    sources: { postgres: { type: 'postgres' } },
    plans: NO_DATES,
    ...options,
  });
}

const COLD = {
  cold: { type: 'directory' as const, path: '/mnt/cold', tiers: ['monthly' as const, 'yearly' as const] },
};

describe('the schedules that a config wants', () => {
  it('ship logs every five minutes, carry site and plan alone, and make up nothing that is older than a tick', () => {
    const [logs, ...others] = wantedSchedules(config());
    assert.deepEqual(others, []);
    assert.equal(logs?.id, 'mosaic-backup/prod/logs');
    assert.equal(logs.every, 300_000);
    assert.equal(logs.overlap, 'SKIP');
    assert.equal(logs.catchUp, 150_000);
    assert.deepEqual(logs.input, { site: 'prod', plan: 'logs' });
  });

  it('never catch up for as long as their interval, however short', () => {
    for (const every of ['20s', '1m', '1h', '1d']) {
      const [logs] = wantedSchedules(config({ plans: { ...NO_DATES, logs: { every } } }));
      assert.ok(logs?.every && logs.catchUp < logs.every && logs.catchUp >= 10_000, every);
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

describe('the schedules of plans that back up', () => {
  function dated(options: Partial<SiteInput>) {
    return wantedSchedules(config(options)).filter(({ calendar }) => calendar !== undefined);
  }

  it('are the strategy by default, in the zone of the site; the archive where a destination keeps what it makes', () => {
    const [daily, weekly, monthly, ...others] = dated({ plans: {}, timeZone: 'Europe/Berlin', destinations: COLD });
    assert.deepEqual(others, []);
    const timeZone = 'Europe/Berlin';
    assert.deepEqual(daily?.calendar, { at: '02:00', weekdays: [0, 1, 2, 3, 4, 5, 6], week: null, timeZone });
    assert.deepEqual(weekly?.calendar, { at: '01:00', weekdays: [0], week: null, timeZone });
    assert.deepEqual(monthly?.calendar, { at: '06:00', weekdays: [0], week: 1, timeZone });
    assert.deepEqual(
      [daily.workflowType, weekly.workflowType, monthly.workflowType],
      ['dailyBackup', 'weeklyBackup', 'monthlyArchive'],
    );
    assert.deepEqual(daily.input, { site: 'prod', plan: 'daily' });
    assert.deepEqual(
      dated({ plans: {} }).map(({ plan }) => plan),
      ['daily', 'weekly'],
    );
  });

  it('are those of the config as well, and none that is not enabled', () => {
    const custom = {
      noon: { at: '12:00', on: ['monday' as const, 'friday' as const] },
      spare: { at: '13:00', enabled: false },
    };
    const [noon, ...others] = dated({ plans: { ...NO_DATES, custom } });
    assert.deepEqual(others, []);
    assert.deepEqual(
      [noon?.id, noon?.workflowType, noon?.workflowId],
      ['mosaic-backup/prod/noon', 'customPlan', 'noon'],
    );
  });

  it('make up for what was missed, never for so long that two times would be owed at once', () => {
    const hour = 3_600_000;
    const custom = { twice: { at: '12:00', on: ['monday' as const, 'tuesday' as const] } };
    const windows = dated({ plans: { custom }, destinations: COLD }).map(({ plan, catchUp }) => [plan, catchUp / hour]);
    assert.deepEqual(windows, [
      ['daily', 22],
      ['weekly', 72],
      ['monthly', 72],
      ['twice', 22],
    ]);
  });
});

describe('the difference of schedules', () => {
  const [wanted] = wantedSchedules(config());

  function existing(schedule: Schedule | null, paused = false): Existing {
    return { id: schedule?.id ?? wanted?.id ?? '', paused, schedule };
  }

  it('is nothing, one to make, one to change or one to remove, in words', () => {
    assert.ok(wanted?.every);
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

  it('tells days and times of day as the config has them, with their zone', () => {
    const [weekly] = wantedSchedules(config({ plans: { daily: { enabled: false } }, timeZone: 'Asia/Tokyo' }));
    assert.ok(weekly?.calendar);
    const later: Schedule = { ...weekly, calendar: { ...weekly.calendar, at: '04:30', weekdays: [1, 3, 5] } };
    const words = difference([weekly], [existing(later)]).map(inWords);
    assert.deepEqual(words, [
      '~ mosaic-backup/prod/weekly: every monday, wednesday and friday at 04:30 (Asia/Tokyo) → every sunday at 01:00 (Asia/Tokyo)',
    ]);
  });
});
