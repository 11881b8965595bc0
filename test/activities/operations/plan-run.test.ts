import assert from 'node:assert/strict';
import { planRun } from '../../../activities/operations/plan-run.ts';
import type { Site } from '../../../activities/site.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import type { PlanInput } from '../../../model/run.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

const files = (group: 'databases' | 'apps' | 'system' | 'configs') => ({
  type: 'files' as const,
  group,
  paths: ['/etc'],
});

describe('what a run is to do', () => {
  after(cleanUp);

  async function siteWith(options: Partial<Omit<SiteInput, 'sources'>>): Promise<Site> {
    const { site } = await makeSite({
      folder: await temporaryFolder(),
      sources: { db: files('databases'), app: files('apps'), system: files('system'), etc: files('configs') },
      ...options,
    });
    return site;
  }

  function begins(site: Site, input: Omit<PlanInput, 'site'>): readonly string[] {
    return planRun(site, { site: 'test', ...input }).phases.map(
      (phase) => `${phase.group} ${phase.begins ?? 'at once'}`,
    );
  }

  it("a run of its schedule has the strategy's times, in the zone of the site", async () => {
    const site = await siteWith({ timeZone: 'Europe/Berlin' });
    assert.deepEqual(begins(site, { plan: 'daily', scheduled: '2026-11-23T01:00:00Z', timed: true }), [
      'databases 2026-11-23T01:00:00Z',
      'apps 2026-11-23T01:30:00Z',
      'system 2026-11-23T02:00:00Z',
      'configs 2026-11-23T02:00:00Z',
    ]);
    assert.deepEqual(begins(site, { plan: 'weekly', scheduled: '2026-11-22T00:00:00Z', timed: true }), [
      'databases 2026-11-22T00:00:00Z',
      'apps 2026-11-22T01:00:00Z',
      'system 2026-11-22T02:00:00Z',
      'configs 2026-11-22T02:00:00Z',
    ]);
    // The night on which clocks are set forward: from 02:00 to 03:00, at 01:00Z.
    assert.deepEqual(begins(site, { plan: 'weekly', scheduled: '2027-03-28T00:00:00Z', timed: true }), [
      'databases 2027-03-28T00:00:00Z',
      'apps 2027-03-28T01:00:00Z',
      'system 2027-03-28T01:00:00Z',
      'configs 2027-03-28T01:00:00Z',
    ]);
  });

  it('a run of its schedule must have ended before that starts the next one, also one that begins late', async () => {
    const site = await siteWith({ timeZone: 'Europe/Berlin' });
    const until = (input: Omit<PlanInput, 'site'>, now: string) =>
      planRun(site, { site: 'test', ...input }, Date.parse(now)).until;
    const daily = { plan: 'daily', scheduled: '2026-11-23T01:00:00Z', timed: true };
    assert.equal(until(daily, '2026-11-23T01:00:01Z'), Date.parse('2026-11-24T00:45:00Z'));
    assert.equal(until(daily, '2026-11-23T20:00:00Z'), Date.parse('2026-11-24T00:45:00Z'));
    const weekly = { plan: 'weekly', scheduled: '2026-11-22T00:00:00Z', timed: true };
    assert.equal(until(weekly, '2026-11-22T00:00:01Z'), Date.parse('2026-11-28T23:45:00Z'));
    // On demand the next one waits for its turn.
    assert.equal(until({ ...daily, timed: false }, '2026-11-23T01:00:01Z'), undefined);
  });

  it('on demand, and at a time at which its plan is not due, it goes through its phases at once', async () => {
    const site = await siteWith({});
    const atOnce = ['databases at once', 'apps at once', 'system at once', 'configs at once'];
    assert.deepEqual(begins(site, { plan: 'daily', scheduled: '2026-11-23T02:00:00Z' }), atOnce);
    assert.deepEqual(begins(site, { plan: 'daily', scheduled: '2026-11-23T02:00:00Z', timed: false }), atOnce);
    assert.deepEqual(begins(site, { plan: 'daily', scheduled: '2026-11-23T09:12:13Z', timed: true }), atOnce);
  });

  it('jitter moves all its phases by as much, and not the time that it is named by', async () => {
    const site = await siteWith({ plans: { daily: { jitter: '20m' } } });
    const input = { plan: 'daily', scheduled: '2026-11-23T02:00:00Z', timed: true };
    const moved = planRun(site, { site: 'test', ...input });
    assert.equal(moved.runId, 'daily-2026-11-23T02:00:00Z');
    const plain = ['02:00', '02:30', '03:00', '03:00'].map((time) => Date.parse(`2026-11-23T${time}:00Z`));
    const by = moved.phases.map((phase, index) => Date.parse(phase.begins ?? '') - (plain[index] ?? 0));
    assert.equal(new Set(by).size, 1, by.join());
    assert.ok(by.every((milliseconds) => milliseconds > 0 && milliseconds <= 20 * 60_000));
    assert.deepEqual(begins(site, input), begins(site, input));
  });

  it('a plan of the config has its own sources, tier and waits, and those of the daily where it says nothing', async () => {
    const custom = { noon: { at: '12:00', sources: ['db', 'etc'], tier: 'weekly' as const, copyDeadline: '5m' } };
    const site = await siteWith({ plans: { daily: { captureDeadline: '3h' }, custom } });
    const spec = planRun(site, { site: 'test', plan: 'noon', scheduled: '2026-11-23T12:00:00Z' });
    assert.equal(spec.runId, 'noon-2026-11-23T12:00:00Z');
    assert.deepEqual(
      spec.phases.flatMap(({ steps }) => steps.map(({ source, tier, destinations }) => [source, tier, destinations])),
      [
        ['db', 'weekly', ['vault']],
        ['etc', 'weekly', ['vault']],
      ],
    );
    assert.deepEqual([spec.waits.captureDeadline, spec.waits.copyDeadline], [3 * 3_600_000, 5 * 60_000]);
    const other = { site: 'test', plan: 'noon', scheduled: '2026-11-23T12:00:00Z', sources: ['app'] };
    assert.throws(() => planRun(site, other), { code: 'not-found', message: /"noon" does not hold the source "app"/ });
  });

  it('names the plans that there are', async () => {
    const site = await siteWith({ plans: { custom: { noon: { at: '12:00' } } } });
    assert.throws(() => planRun(site, { site: 'test', plan: 'hourly', scheduled: '2026-11-23T12:00:00Z' }), {
      code: 'config',
      remedy: 'Choose: daily, weekly, monthly, noon.',
    });
  });
});
