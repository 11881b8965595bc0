import assert from 'node:assert/strict';
import { siteConfig, type SiteInput } from '../../../model/config/site.ts';
import { backupPlans } from '../../../model/plans.ts';
import { livedSince, missedRuns } from '../../../model/timetable/missed.ts';

const RECIPIENTS = [
  'age1cw6xvz5jp3uf3ndj5x3e2sdg3qkct4n6dj9yy5zy5y0cu64hlydqdlzuht',
  'age1fq5q27u9g73evp676ultr58lpjx79szy6nu9j79q67sdx8wg0c9qrxk0kt',
];

describe('runs that are missed where Temporal has lost its schedules', () => {
  // A friday.
  const now = Date.parse('2026-11-27T12:00:00Z');

  const ALL = ['daily', 'weekly', 'monthly'];

  function configured(options: Partial<SiteInput>) {
    return siteConfig.parse({
      site: 'prod',
      repository: '/backups',
      encryption: { recipients: RECIPIENTS },
      signing: {},
      sources: { postgres: { type: 'postgres' } },
      ...options,
    });
  }

  function missed(since: string, points: readonly string[] = [], options: Partial<SiteInput> = {}, lost = ALL) {
    const plans = backupPlans(configured(options)).filter(({ name }) => lost.includes(name));
    const scheduled = plans.map((plan) => ({ plan, since: Date.parse(since) }));
    return missedRuns(scheduled, new Set(points), now).map(({ plan, scheduled: time }) => `${plan}-${time}`);
  }

  it("are each plan's newest one alone, and those only that left no recovery point", () => {
    const old = '2026-10-30T02:00:00Z';
    assert.deepEqual(missed(old), [
      'daily-2026-11-27T02:00:00Z',
      'weekly-2026-11-22T01:00:00Z',
      'monthly-2026-11-01T06:00:00Z',
    ]);
    assert.deepEqual(missed(old, ['daily-2026-11-27T02:00:00Z', 'monthly-2026-11-01T06:00:00Z']), [
      'weekly-2026-11-22T01:00:00Z',
    ]);
    assert.deepEqual(missed(old, [], {}, ['weekly']), ['weekly-2026-11-22T01:00:00Z']);
  });

  it('are none of before the schedules began: what was due at that very second was not started by them', () => {
    assert.deepEqual(missed('2026-11-27T01:59:59Z'), ['daily-2026-11-27T02:00:00Z']);
    assert.deepEqual(missed('2026-11-27T02:00:00Z'), []);
    assert.deepEqual(missed('2026-11-22T00:00:00Z'), ['daily-2026-11-27T02:00:00Z', 'weekly-2026-11-22T01:00:00Z']);
  });

  it('go by the calendar of the site', () => {
    assert.deepEqual(missed('2026-11-25T02:00:00Z', [], { timeZone: 'Asia/Tokyo' }), ['daily-2026-11-26T17:00:00Z']);
  });

  it('are counted from when the first recovery point of a schedule was made, whatever time it is of', () => {
    const lived = (...points: readonly (readonly [string, string])[]) =>
      livedSince(
        configured({}),
        points.map(([id, created]) => ({ id, created })),
      );
    const made = '2026-11-26T02:04:00Z';
    assert.equal(lived(), undefined);
    // By hand, of no schedule's time, of a plan that there is not, and no run's at all.
    const others = [
      'daily-2026-11-20T10:11:12Z',
      'noon-2026-11-20T12:00:00Z',
      'logs-2026-11-20T02:00:00Z',
      'full-2026',
    ];
    assert.equal(lived(...others.map((id) => [id, '2026-11-20T12:00:00Z'] as const)), undefined);
    assert.equal(lived(['daily-2026-11-26T02:00:00Z', made]), Date.parse(made));
    assert.equal(
      lived(['daily-2020-01-01T02:00:00Z', '2026-11-27T09:00:00Z'], ['daily-2026-11-26T02:00:00Z', made]),
      Date.parse(made),
    );
  });
});
