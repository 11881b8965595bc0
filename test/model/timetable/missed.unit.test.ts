import assert from 'node:assert/strict';
import { siteConfig, type SiteInput } from '../../../model/config/site.ts';
import { backupPlans } from '../../../model/plans.ts';
import { missedRuns } from '../../../model/timetable/missed.ts';

const RECIPIENTS = [
  'age1cw6xvz5jp3uf3ndj5x3e2sdg3qkct4n6dj9yy5zy5y0cu64hlydqdlzuht',
  'age1fq5q27u9g73evp676ultr58lpjx79szy6nu9j79q67sdx8wg0c9qrxk0kt',
];

describe('runs that are missed where Temporal has lost its schedules', () => {
  // A friday.
  const now = Date.parse('2026-11-27T12:00:00Z');

  function missed(points: readonly string[], options: Partial<SiteInput> = {}, lost = ['daily', 'weekly', 'monthly']) {
    const config = siteConfig.parse({
      site: 'prod',
      repository: '/backups',
      encryption: { recipients: RECIPIENTS },
      signing: {},
      sources: { postgres: { type: 'postgres' } },
      ...options,
    });
    const plans = backupPlans(config).filter(({ name }) => lost.includes(name));
    return missedRuns(config, plans, points, now).map(({ plan, scheduled }) => `${plan}-${scheduled}`);
  }

  it("are each plan's newest one alone, and those only that left no recovery point", () => {
    const old = 'daily-2026-10-30T02:00:00Z';
    assert.deepEqual(missed([old]), [
      'daily-2026-11-27T02:00:00Z',
      'weekly-2026-11-22T01:00:00Z',
      'monthly-2026-11-01T06:00:00Z',
    ]);
    assert.deepEqual(missed([old, 'daily-2026-11-27T02:00:00Z', 'monthly-2026-11-01T06:00:00Z']), [
      'weekly-2026-11-22T01:00:00Z',
    ]);
    assert.deepEqual(missed([old], {}, ['weekly']), ['weekly-2026-11-22T01:00:00Z']);
  });

  it('are none of before the schedules began, and none where nothing tells that they ever did', () => {
    assert.deepEqual(missed([]), []);
    assert.deepEqual(missed(['daily-2026-11-26T10:11:12Z', 'logs-2026-11-26T02:00:00Z', 'full-2026']), []);
    assert.deepEqual(missed(['daily-2026-11-25T02:00:00Z']), ['daily-2026-11-27T02:00:00Z']);
    assert.deepEqual(missed(['daily-2026-11-27T02:00:00Z']), []);
  });

  it('go by the calendar of the site', () => {
    const timeZone = 'Asia/Tokyo';
    assert.deepEqual(missed(['daily-2026-11-25T17:00:00Z'], { timeZone }), ['daily-2026-11-26T17:00:00Z']);
    assert.deepEqual(missed(['daily-2026-11-25T02:00:00Z'], { timeZone }), []);
  });
});
