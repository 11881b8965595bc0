import assert from 'node:assert/strict';
import { z } from 'zod';
import type { DestinationConfig } from '../../../model/config/destination.ts';
import { siteConfig, type SiteInput } from '../../../model/config/site.ts';
import { decide } from '../../../model/retention/decide.ts';
import { keepersOf } from '../../../model/retention/keepers.ts';
import { keptUntil, sitePlaces } from '../../../model/retention/kept-until.ts';
import { parsePeriod, period } from '../../../model/retention/period.ts';
import { classOf, rulesOf } from '../../../model/retention/rules.ts';
import type { KeptBackup, RetentionInput } from '../../../model/retention/types.ts';
import { earlier, later } from '../../../model/retention/zone.ts';
import type { Tier } from '../../../model/source.ts';

const RECIPIENTS = [
  'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
  'age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg',
];

function configOf(more: Partial<SiteInput> = {}) {
  return siteConfig.parse({
    site: 'test',
    repository: '/r',
    encryption: { recipients: RECIPIENTS },
    signing: {},
    sources: { db: { type: 'files', paths: ['/x'] } },
    ...more,
  });
}

function after(time: string, text: string, zone = 'UTC'): string {
  return new Date(later(Date.parse(time), parsePeriod(text) ?? assert.fail(text), zone)).toISOString();
}

describe('periods', () => {
  it('are written in several ways, and back in one', () => {
    for (const text of ['7 days', '7d', '7 day']) assert.equal(z.encode(period, z.decode(period, text)), '7 days');
    assert.equal(z.encode(period, z.decode(period, '1y')), '1 year');
    for (const wrong of ['0 days', '7', 'seven days', '1.5 days', '-1 day', '7 m'])
      assert.equal(period.safeParse(wrong).success, false, wrong);
  });

  it('go by the calendar: ends of months, leap days, clocks that are set', () => {
    assert.equal(after('2027-01-31T02:00:00Z', '1 month'), '2027-02-28T02:00:00.000Z');
    assert.equal(after('2024-02-29T02:00:00Z', '7 years'), '2031-02-28T02:00:00.000Z');
    assert.equal(after('2024-02-29T02:00:00Z', '4 years'), '2028-02-29T02:00:00.000Z');
    assert.equal(after('2026-12-06T04:00:00Z', '12 months'), '2027-12-06T04:00:00.000Z');
    // Berlin: the same time on the wall, an hour less between, and an hour more.
    assert.equal(after('2027-03-22T01:00:00Z', '7 days', 'Europe/Berlin'), '2027-03-29T00:00:00.000Z');
    assert.equal(after('2027-10-25T00:00:00Z', '7 days', 'Europe/Berlin'), '2027-11-01T01:00:00.000Z');
    // 02:30 is left out on 28 March 2027, and there twice on 31 October: the later one counts.
    assert.equal(after('2027-03-21T01:30:00Z', '7 days', 'Europe/Berlin'), '2027-03-28T01:30:00.000Z');
    assert.equal(after('2027-10-24T00:30:00Z', '7 days', 'Europe/Berlin'), '2027-10-31T01:30:00.000Z');
    const weeks = parsePeriod('4 weeks') ?? assert.fail('a period');
    assert.equal(
      new Date(earlier(Date.parse('2027-03-29T02:00:00Z'), weeks, 'UTC')).toISOString(),
      '2027-03-01T02:00:00.000Z',
    );
  });
});

describe('retention in a config', () => {
  it('is the strategy without a word, and a source may say otherwise', () => {
    const config = configOf({
      sources: { db: { type: 'files', paths: ['/x'], retention: { daily: '14 days', overdueAfter: '8d' } } },
    });
    const { periods, logs, overdueAfter } = rulesOf(config, 'db');
    assert.deepEqual(
      Object.entries(periods).map(([tier, of]) => `${tier} ${z.encode(period, of)}`),
      ['daily 14 days', 'weekly 4 weeks', 'monthly 12 months', 'yearly 7 years'],
    );
    assert.equal(z.encode(period, logs), '4 weeks');
    assert.equal(overdueAfter, 8 * 86_400_000);
    assert.equal(siteConfig.safeParse({ ...z.encode(siteConfig, config), timeZone: 'Mars/Olympus' }).success, false);
  });

  it('keeps each tier at the places of the table, and never nowhere', () => {
    const path = '/mnt';
    const archive = { type: 'directory', path, tiers: ['monthly', 'yearly'] } satisfies DestinationConfig;
    const names = (tier: Tier, destinations: SiteInput['destinations']) =>
      keepersOf(tier, sitePlaces(configOf({ destinations }))).map(({ name }) => name);
    const both: SiteInput['destinations'] = { vault: { type: 'directory', path }, cold: archive };
    assert.deepEqual(names('daily', both), ['repository', 'vault']);
    assert.deepEqual(names('weekly', both), ['repository', 'vault']);
    assert.deepEqual(names('monthly', both), ['vault', 'cold']);
    assert.deepEqual(names('yearly', both), ['cold']);
    assert.deepEqual(names('yearly', { vault: { type: 'directory', path } }), ['vault']);
    assert.deepEqual(names('yearly', { vault: { type: 'directory', path, tiers: ['daily'] } }), ['repository']);
    assert.deepEqual(names('monthly', {}), ['repository']);
    assert.equal(classOf(archive), 'archive');
    assert.equal(classOf({ ...archive, retention: 'remote' }), 'remote');
  });

  it('says until when a destination is to keep a backup: for locks, and for what is owed', () => {
    const path = '/mnt';
    const config = configOf({
      destinations: { vault: { type: 'directory', path }, cold: { type: 'directory', path, tiers: ['monthly'] } },
    });
    const time = '2026-11-23T02:00:00Z';
    const of = { config, source: 'db', scheduled: time, started: time };
    const now = Date.parse(time);
    assert.equal(
      keptUntil({ ...of, destination: 'vault', tier: 'daily' }, now)?.toISOString(),
      '2026-11-30T02:00:00.000Z',
    );
    assert.equal(
      keptUntil({ ...of, destination: 'vault', tier: null }, now)?.toISOString(),
      '2026-12-21T02:00:00.000Z',
    );
    assert.equal(keptUntil({ ...of, destination: 'cold', tier: 'daily' }, now), null);
    assert.equal(keptUntil({ ...of, destination: 'vault', tier: 'daily' }, now + 8 * 86_400_000), null);
    // Made up for later than it was due: its time begins when it was made.
    assert.equal(
      keptUntil({ ...of, started: '2026-11-25T02:00:00Z', destination: 'vault', tier: 'daily' }, now)?.toISOString(),
      '2026-12-02T02:00:00.000Z',
    );
  });
});

describe('decisions', () => {
  const now = Date.parse('2026-11-26T03:00:00Z');

  function backup(reference: string, days: number, more: Partial<KeptBackup> = {}): KeptBackup {
    const time = now - days * 86_400_000;
    const [tier = ''] = reference.split('/');
    return {
      reference,
      sha256: reference,
      source: 'db',
      kind: tier === 'logs' ? 'logs' : 'full',
      tier: tier === 'logs' ? null : (tier as Tier), // written below
      folder: reference,
      scheduled: time,
      started: time,
      finished: time,
      parent: null,
      authentic: true,
      isCopy: false,
      bytes: 10,
      plainBytes: 10,
      ...more,
    };
  }

  function verdicts(backups: readonly KeptBackup[], more: Partial<RetentionInput> = {}, ahead: number | null = null) {
    const local = { class: 'local', tiers: null, clockAhead: null, locks: new Map(), unreadable: [] } as const;
    const decisions = decide({
      now,
      timeZone: 'UTC',
      rules: new Map([['db', rulesOf(configOf(), 'db')]]),
      places: [
        { ...local, name: 'repository', backups },
        { ...local, name: 'vault', class: 'remote', backups: [], clockAhead: ahead },
      ],
      checks: [],
      holds: [],
      accepted: new Set(),
      ...more,
    });
    return Object.fromEntries(
      decisions.map(({ backup: of, verdict, reasons }) => [
        of.reference,
        `${verdict} ${reasons.map(({ code }) => code).join(' ')}`,
      ]),
    );
  }

  const FRESH = [backup('daily/db/b', 1), backup('daily/db/c', 0)];

  it('delete nothing while clocks disagree, either way, or something is of the future', () => {
    const old = backup('daily/db/a', 9);
    assert.equal(verdicts([old, ...FRESH])['daily/db/a'], 'delete expired');
    for (const ahead of [3_600_000, -3_600_000])
      assert.equal(verdicts([old, ...FRESH], {}, ahead)['daily/db/a'], 'due expired clock');
    assert.equal(verdicts([old, ...FRESH], {}, 5_000)['daily/db/a'], 'delete expired');
    assert.equal(verdicts([old, ...FRESH, backup('daily/db/d', -1)])['daily/db/a'], 'due expired clock');
  });

  it('keep the newest of the source also where its time is shorter than what lies between two backups', () => {
    const rules = {
      ...rulesOf(configOf(), 'db'),
      periods: { ...rulesOf(configOf(), 'db').periods, daily: { count: 1, unit: 'day' } },
    } as const;
    const full = backup('daily/db/full', 3);
    const newest = backup('daily/db/newest', 1.5, { kind: 'incremental', parent: full.reference });
    const found = verdicts([full, newest], { rules: new Map([['db', rules]]) });
    assert.equal(found[newest.reference], 'due expired newest');
    assert.equal(found[full.reference], 'due expired verified parent');
  });

  it('delete nothing of a source that is not in the config any more', () => {
    assert.equal(
      verdicts([backup('daily/db/a', 90), ...FRESH], { rules: new Map() })['daily/db/a'],
      'due expired removed',
    );
  });

  it('keep logs from the oldest full in the window, at one border for all places, and the last ones in any case', () => {
    const logs = [40, 26, 24, 3].map((days) => backup(`logs/db/${days}`, days));
    const fulls = [backup('monthly/db/old', 40, { isCopy: true }), backup('weekly/db/base', 25)];
    const found = verdicts([...fulls, ...FRESH, ...logs]);
    assert.equal(found['logs/db/40'], 'delete before-window', 'a monthly carries its own');
    assert.equal(found['logs/db/26'], 'keep window', 'clocks may have been set by so much');
    assert.equal(found['logs/db/24'], 'keep window');
    assert.equal(
      verdicts([...FRESH, backup('logs/db/30', 30)])['logs/db/30'],
      'keep window',
      'the next ones follow on them',
    );
  });

  it('stay stopped by a full that lost much until a later one has it again, or it was accepted', () => {
    const old = backup('daily/db/a', 9, { plainBytes: 1000 });
    const small = { plainBytes: 400 };
    const shrunk = [
      old,
      backup('daily/db/b', 2, small),
      backup('daily/db/c', 1, small),
      backup('daily/db/d', 0, small),
    ];
    assert.equal(verdicts(shrunk)['daily/db/a'], 'due expired shrunk');
    assert.equal(verdicts(shrunk, { accepted: new Set(['daily/db/b']) })['daily/db/a'], 'delete expired');
    assert.equal(verdicts([...shrunk, backup('daily/db/e', 0, { plainBytes: 900 })])['daily/db/a'], 'delete expired');
  });
});
