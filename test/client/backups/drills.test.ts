import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteMetrics } from '../../../activities/operations/metrics/index.ts';
import { planRun } from '../../../activities/operations/plan-run.ts';
import { recordDrill } from '../../../activities/operations/drill/record.ts';
import { writeRecoveryPoint } from '../../../activities/operations/recovery-point.ts';
import type { Site } from '../../../activities/site.ts';
import { siteStatus } from '../../../client/backups/status.ts';
import { lookAtDrills } from '../../../client/watchdog/drills.ts';
import type { DrillReport } from '../../../model/drill/drill.ts';
import { exposition } from '../../../model/metrics.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { after as later, drilledSource, drillReport } from '../../support/drills.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const DAY = 86_400_000;

describe('how the drills of a site stand', () => {
  let made: TestSite;
  let site: Site;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    made = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: [path.join(folder, 'data')] } },
      plans: { drill: { sources: ['wiki'] } },
    });
    ({ site } = made);
  });
  after(cleanUp);

  function record(report: DrillReport): Promise<unknown> {
    return recordDrill({ site, report, work: testWork() });
  }

  async function ran(): Promise<void> {
    const spec = planRun(site, { site: 'test', plan: 'daily', scheduled: '2026-11-23T02:00:00Z' });
    const report = { runId: spec.runId, outcome: 'failed', sources: [], errors: [] } as const;
    await writeRecoveryPoint({ site, spec, report, work: testWork() });
  }

  /** What status and the watchdog say of stale drills, so many milliseconds from now. */
  async function stale(
    in_: number,
    of = site,
  ): Promise<readonly [status: string | undefined, watchdog: string | undefined]> {
    const now = Date.now() + in_;
    const { findings } = await siteStatus(of, now);
    const look = await lookAtDrills(of, now);
    assert.ok(look.lookedFor({ alert: 'drill-stale', key: 'drill-stale' }));
    return [findings.find(({ code }) => code === 'status.drill-stale')?.message, look.found[0]?.message];
  }

  it('are stale when none has brought everything back for so long, or never though there was time; not where none is planned, or nobody could', async () => {
    assert.deepEqual(await stale(1000 * DAY), [undefined, undefined], 'nothing was ever backed up');
    await ran();
    assert.deepEqual(await stale(99 * DAY), [undefined, undefined]);
    const [status, watchdog] = await stale(101 * DAY);
    assert.match(status ?? '', /^no disaster was ever rehearsed to the end, for 101d/);
    assert.match(watchdog ?? '', /^No disaster was ever rehearsed to the end/);

    const declared = new Date().toISOString();
    // One that recovered something else alone is none either.
    const cache = drilledSource({ source: 'cache', at: [1, 2, 3, 4, 5], declared });
    await record(drillReport({ declared: later(-60, declared), sources: [cache] }));
    assert.match(
      (await stale(101 * DAY)).join(),
      /^no drill has brought back all that the config has, for 101d.*: drill-\S+ was without wiki,No drill/,
    );
    await record(drillReport({ declared }));
    assert.deepEqual(await stale(99 * DAY), [undefined, undefined]);
    // Nor does one of the future by our clock: until its day it would say that all is well.
    await record(drillReport({ declared: later(400 * 86_400, declared), runId: 'drill-ahead' }));
    assert.match((await stale(101 * DAY)).join(), /was 101d.*,The last drill/);
    // One that failed is no success, however young.
    await record(drillReport({ declared: later(50 * 86_400, declared), fields: { outcome: 'failed', rto: null } }));
    assert.match(
      (await stale(101 * DAY)).join(),
      /the last drill that brought everything back was 101d.*,The last drill/,
    );

    const drill = { ...site.config.plans.drill, enabled: false };
    const off = { ...site, config: { ...site.config, plans: { ...site.config.plans, drill } } };
    assert.deepEqual(await stale(101 * DAY, off), [undefined, undefined]);
    const { identity: _, ...encryption } = site.config.encryption;
    const blind = { ...site, config: { ...site.config, encryption } };
    assert.deepEqual(await stale(101 * DAY, blind), [undefined, undefined]);
    // Another host recovers: the schedules have drills too.
    const elsewhere = { ...site.config.plans, drill: { ...site.config.plans.drill, host: 'other' } };
    const coordinating = { ...blind, config: { ...blind.config, plans: elsewhere } };
    assert.equal((await stale(101 * DAY, coordinating)).filter((said) => said !== undefined).length, 2);
    const alone = { ...site, config: { ...site.config, destinations: {} } };
    assert.deepEqual(await stale(101 * DAY, alone), [undefined, undefined], 'none is scheduled');
  });

  it('show in status by scenario with age and what they missed, and a record that somebody changed is named', async () => {
    const declared = new Date(Date.now() - 3 * DAY).toISOString();
    await record(drillReport({ declared: new Date(Date.now() - 90 * DAY).toISOString() }));
    await record(drillReport({ declared, fields: { objectives: { rto: 60_000, rpo: null } } }));
    const lost = new Date(Date.now() - 9 * DAY).toISOString();
    await record(drillReport({ declared: lost, scenario: 'key-lost', fields: { outcome: 'partial', rto: null } }));
    const ahead = new Date(Date.now() + 90 * DAY).toISOString();
    await record(drillReport({ declared: ahead, runId: 'drill-ahead' }));
    await writeFile(path.join(site.repository, 'drills', 'drill-x.json'), '{}');
    const { drills, findings } = await siteStatus(site);
    assert.deepEqual(
      drills.map(({ scenario, outcome, rto, missed }) => [scenario, outcome, rto, missed]),
      [
        ['host-lost', 'complete', 300_000, 'RTO of the whole'],
        ['key-lost', 'partial', null, 'RTO of the whole'],
      ],
    );
    assert.match(
      findings.find(({ code }) => code === 'status.drill-record')?.message ?? '',
      /^repository: drills\/drill-x\.json counts for nothing/,
    );
    const { stdout } = await mosaicHere(['-c', made.file, 'status']);
    assert.match(stdout, /^host-lost +complete +3d(?: \d+s)? +5m +1h +RTO of the whole$/m);
    assert.match(stdout, /^key-lost +partial +9d(?: \d+s)? +none +1h +RTO of the whole$/m);
  });

  it('are metrics: of the last of each scenario the time and the loss, by source, and the last success', async () => {
    const [first, second, failed] = [
      '2026-01-18T09:00:00.000Z',
      '2026-04-19T09:00:00.000Z',
      '2026-07-19T09:00:00.000Z',
    ] as const;
    await record(drillReport({ declared: first }));
    await record(
      drillReport({
        declared: second,
        sources: [drilledSource({ source: 'wiki', at: [22, 24, 80, 80, 82], declared: second })],
      }),
    );
    const cache = drilledSource({ source: 'cache', at: [1, 2, 3, 4, 5], declared: second });
    await record(drillReport({ declared: second, scenario: 'operator-error', runId: 'drill-part', sources: [cache] }));
    const red = drilledSource({
      source: 'wiki',
      at: [1, 2, 3, 4, 5],
      loss: 7,
      declared: failed,
      fields: { rto: null },
    });
    await record(
      drillReport({ declared: failed, scenario: 'key-lost', sources: [red], fields: { outcome: 'failed' } }),
    );
    await record(drillReport({ declared: '2027-01-17T09:00:00.000Z', runId: 'drill-ahead' }));
    const text = exposition(await siteMetrics(site, Date.parse('2026-10-01T00:00:00Z')));
    const lines = text.split('\n').filter((line) => line.startsWith('backup_drill'));
    assert.deepEqual(lines, [
      `backup_drill_last_success_timestamp{site="test",scenario="host-lost"} ${Date.parse(second) / 1000}`,
      'backup_drill_rto_seconds{site="test",scenario="host-lost",source=""} 82',
      'backup_drill_rto_seconds{site="test",scenario="host-lost",source="wiki"} 82',
      'backup_drill_rto_seconds{site="test",scenario="operator-error",source=""} 5',
      'backup_drill_rto_seconds{site="test",scenario="operator-error",source="cache"} 5',
      'backup_drill_rpo_seconds{site="test",scenario="host-lost",source=""} 60',
      'backup_drill_rpo_seconds{site="test",scenario="host-lost",source="wiki"} 60',
      'backup_drill_rpo_seconds{site="test",scenario="operator-error",source=""} 60',
      'backup_drill_rpo_seconds{site="test",scenario="operator-error",source="cache"} 60',
      'backup_drill_rpo_seconds{site="test",scenario="key-lost",source=""} 7',
      'backup_drill_rpo_seconds{site="test",scenario="key-lost",source="wiki"} 7',
    ]);
  });
});
