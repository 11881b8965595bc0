import assert from 'node:assert/strict';
import { drillSummary, missedAndWhy } from '../../../model/drill/summary.ts';
import { timelineOf } from '../../../model/drill/timeline.ts';
import { after, drilledSource, drillReport, timedStep } from '../../support/drills.ts';

const EARLIER = '2026-07-19T09:30:00.000Z';

describe('what a drill showed', () => {
  it('misses nothing where every objective is held, to the millisecond', () => {
    const report = drillReport({ fields: { objectives: { rto: 300_000, rpo: 3_600_000 } } });
    assert.deepEqual(missedAndWhy(report), []);
    const [rto, ...others] = missedAndWhy(drillReport({ fields: { objectives: { rto: 299_999, rpo: 3_600_000 } } }));
    assert.deepEqual([rto?.of, rto?.source, rto?.actual, rto?.objective, others], ['rto', null, 300_000, 299_999, []]);
  });

  it('names what was late with the slowest steps, the waits for somebody, what was tried again, and what had to be up before', () => {
    const cache = drilledSource({
      source: 'cache',
      type: 'redis',
      at: [205, 207, 280, 290, 300],
      rtoObjective: 240,
      fields: { after: ['postgres'] },
    });
    const again = timedStep({ id: 'cache/restore', from: 207, to: 280, attempts: 3, error: 'connection reset' });
    const report = drillReport({
      sources: [
        drilledSource({ source: 'postgres', type: 'postgres', at: [22, 30, 190, 200, 205] }),
        { ...cache, steps: cache.steps.map((step) => (step.id === again.id ? again : step)) },
      ],
      fields: {
        objectives: { rto: 120_000, rpo: null },
        confirmations: [{ phase: 'choose', milliseconds: 60_000, note: null }],
      },
    });
    const [whole, ofCache, ...others] = missedAndWhy(report);
    assert.deepEqual(others, []);
    assert.deepEqual(whole?.why, [
      'postgres/restore took 2m 40s, 53 % of it',
      'cache/restore took 1m 13s, 24 % of it',
      '1m, 20 % of it, passed until somebody confirmed choose',
      'cache/restore was tried 3 times: connection reset',
    ]);
    assert.deepEqual(ofCache?.why, [
      'it was begun 3m 25s after the declaration, when postgres had to be up before',
      'cache/restore took 1m 13s, 24 % of it',
      'cache/restore was tried 3 times: connection reset',
    ]);
  });

  it('tells of time in which nothing on the critical path was at work', () => {
    const report = drillReport({
      sources: [drilledSource({ source: 'wiki', at: [200, 210, 250, 250, 300] })],
      fields: {
        objectives: { rto: 60_000, rpo: null },
        criticalPath: ['provision', 'choose', 'wiki/fetch', 'wiki/restore', 'wiki/probe'],
      },
    });
    assert.match(
      missedAndWhy(report)[0]?.why.join('\n') ?? '',
      /2m 58s, 59 % of it, nothing of the critical path was at work/,
    );
  });

  it('says what was lost by which source, and why: no logs, or a backup that is older than the last run', () => {
    const wiki = drilledSource({ source: 'wiki', at: [22, 24, 80, 80, 82], loss: 3600, rpoObjective: 600 });
    const stale = { ...wiki, choice: wiki.choice && { ...wiki.choice, stale: true } };
    const missed = missedAndWhy(drillReport({ sources: [stale], fields: { objectives: { rto: null, rpo: 60_000 } } }));
    assert.deepEqual(
      missed.map(({ of, source, actual }) => [of, source, actual]),
      [
        ['rpo', null, 3_600_000],
        ['rpo', 'wiki', 3_600_000],
      ],
    );
    assert.deepEqual(missed[1]?.why, [
      'its backup was taken at 2026-10-18T08:13:20Z',
      'it has no logs: what came after the backup is lost',
      'its backup is older than the last run that had it: that had not captured it, or what it captured was passed over',
    ]);
    assert.match(missed[0]?.why[0] ?? '', /^wiki: its backup was taken/);
  });

  it('misses what never came back and what nobody knows of, once it has ended, with what was red or lacking', () => {
    const red = drilledSource({
      source: 'wiki',
      at: [22, 24, 80, 80, 82],
      fields: {
        outcome: 'failed',
        rto: null,
        losses: [],
        probes: [{ name: 'http', ok: false, detail: 'GET / answered 502', milliseconds: 10 }],
      },
    });
    const fields = {
      rto: null,
      rpo: null,
      objectives: { rto: 600_000, rpo: 600_000 },
      choice: {
        disaster: after(0),
        point: null,
        sources: [],
        lacking: [{ source: 'board', why: 'no copy' }],
        passed: [],
      },
    };
    const ended = missedAndWhy(drillReport({ sources: [red], fields: { ...fields, outcome: 'failed' } }));
    assert.deepEqual(
      ended.map(({ of, actual, why }) => [of, actual, why]),
      [
        ['rto', null, ['board was not recovered: no copy', 'wiki: probe http is red: GET / answered 502']],
        ['rpo', null, ['nothing is known of what was lost of wiki']],
      ],
    );
    const running = { ...red, outcome: null };
    assert.deepEqual(missedAndWhy(drillReport({ sources: [running], fields: { ...fields, outcome: null } })), []);
  });

  it('is compared with the last of the same scenario and with the last of any, by source; later ones and itself are none', () => {
    const report = drillReport();
    const same = drillReport({ declared: EARLIER });
    const older = drillReport({ declared: '2026-04-19T09:30:00.000Z' });
    const other = drillReport({
      declared: '2026-08-01T00:00:00.000Z',
      scenario: 'ransomware',
      sources: [
        drilledSource({ source: 'wiki', at: [22, 24, 50, 50, 52], declared: '2026-08-01T00:00:00.000Z' }),
        drilledSource({ source: 'gone', at: [22, 24, 50, 50, 52], declared: '2026-08-01T00:00:00.000Z' }),
      ],
    });
    const later = drillReport({ declared: '2026-12-01T00:00:00.000Z' });
    const summary = drillSummary(report, [older, later, other, report, same]);
    assert.equal(summary.sameScenario?.runId, same.runId);
    assert.deepEqual(summary.sameScenario?.rto, { now: 300_000, before: 300_000 });
    assert.equal(summary.last?.runId, other.runId);
    assert.deepEqual(summary.last?.sources, [
      { source: 'wiki', rto: { now: 82_000, before: 52_000 }, rpo: { now: 3_600_000, before: 60_000 } },
    ]);
    assert.deepEqual([summary.last?.added, summary.last?.gone], [['postgres', 'cache'], ['gone']]);
    assert.equal(drillSummary(report, [same]).last, null, 'the same one is told once');
    assert.deepEqual(drillSummary(older, [report]).sameScenario, null);
  });

  it('has a timeline from the declaration until all is green, what comes later left out', () => {
    const timeline = timelineOf(drillReport());
    assert.deepEqual([timeline?.end, timeline?.green, timeline?.objective], [300_000, 300_000, 600_000]);
    const lanes = timeline?.lanes.map(({ source, bars }) => [source, bars.map(({ id, from, to }) => [id, from, to])]);
    assert.deepEqual(lanes?.[0], [
      null,
      [
        ['provision', 0, 12_000],
        ['choose', 12_000, 22_000],
      ],
    ]);
    assert.deepEqual(lanes?.[1]?.[1]?.[1], ['postgres/restore', 30_000, 190_000]);
    const running = drillReport({
      sources: [
        drilledSource({
          source: 'wiki',
          at: [0, 0, 0, 0, 0],
          fields: { rto: null, steps: [timedStep({ id: 'wiki/restore', from: 5, to: null })] },
        }),
      ],
      fields: { outcome: null, rto: null },
    });
    const [bar] = timelineOf(running)?.lanes[1]?.bars ?? [];
    assert.deepEqual([bar?.from, bar?.to, bar?.state], [5000, 22_000, 'running'], 'as far as is known');
    assert.equal(timelineOf(drillReport({ fields: { declared: null } })), null);
  });
});

describe('what was lost of a source', () => {
  it('is by whatever shows the newest data: a canary that stopped long ago makes no loss of what is there', () => {
    const source = drilledSource({
      source: 'db',
      at: [0, 1, 2, 3, 4],
      rpoObjective: 600,
      fields: {
        losses: [
          { by: 'canary', time: after(-86_400), milliseconds: 86_400_000 },
          { by: 'commit', time: after(-660), milliseconds: 660_000 },
        ],
      },
    });
    const report = drillReport({ sources: [source], fields: { objectives: { rto: null, rpo: 600_000 } } });
    const missed = missedAndWhy({ ...report, rpo: 660_000 });
    assert.deepEqual(
      missed.map(({ source: of, actual }) => [of, actual]),
      [
        [null, 660_000],
        ['db', 660_000],
      ],
    );
    for (const { why } of missed) assert.match(why.join(), /its last commit is of/);
  });
});
