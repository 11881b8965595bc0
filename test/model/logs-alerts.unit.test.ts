import assert from 'node:assert/strict';
import { conditions, freshness } from '../../model/logs-alerts.ts';
import { offSchedule, tickOutcome, type LogsFacts, type LogsSpec } from '../../model/logs-run.ts';
import { scheduledOf, type SourceReport } from '../../model/run.ts';

const NOW = Date.UTC(2026, 10, 24, 2);
const LIMITS = { stalled: 900_000, space: 1000, serverSpace: 3000, slotUse: 0.5 };
const FACTS: LogsFacts = {
  shipped: true,
  sealed: '2026-11-24T01:00:00.000Z',
  coversUntil: null,
  gap: null,
  fullDue: null,
  owed: {},
  space: [{ path: '/state', free: 2000 }],
  slotLost: null,
  server: { space: [{ path: '/data', free: 5000 }], slot: { name: 'mosaic_logs_db', kept: 100, limit: 1000 } },
};
const WAITS = { workerDeadline: 1, retryFirst: 1, heartbeat: 1, standstill: 1, busy: 1 };
const SPEC: LogsSpec = {
  runId: 'logs-2026-11-24T02:00:00Z',
  site: 'prod',
  plan: 'logs',
  scheduled: '2026-11-24T02:00:00Z',
  steps: [{ source: 'db', type: 'postgres', host: 'stack1', destinations: [], deadline: 1 }],
  waits: WAITS,
  notified: true,
};

function report(logs: Partial<LogsFacts> | null, errors: SourceReport['errors'] = []): SourceReport {
  const facts = logs && { ...FACTS, ...logs };
  return {
    source: 'db',
    state: 'done',
    outcome: null,
    captured: null,
    copies: [],
    verified: false,
    errors,
    logs: facts,
  };
}

function found(logs: Partial<LogsFacts> | null, before: Readonly<Record<string, string>> = {}): readonly string[] {
  const sources = [report(logs)];
  const fresh = freshness({ sources, fresh: before, now: NOW });
  return conditions({ spec: SPEC, sources, fresh, now: NOW }, LIMITS).map(({ key }) => key);
}

describe('what is wrong with the shipping of logs', () => {
  it('nothing, where it succeeded, also where nothing was new for long', () => {
    assert.deepEqual(found({}), []);
  });

  it('what lies in a spool and nobody knows, for as long as it is there', () => {
    assert.deepEqual(found({ stray: 'In /spool lie segments' }), ['logs-stray/db']);
  });

  it('stalled, where it fails and the newest are too old, or the host does not answer for so long', () => {
    assert.deepEqual(found({ shipped: false }), ['logs-stalled/db']);
    assert.deepEqual(found({ shipped: false, sealed: '2026-11-24T01:50:00.000Z' }), []);
    assert.deepEqual(found(null, { db: '2026-11-24T01:00:00.000Z' }), ['logs-stalled/db']);
    assert.deepEqual(found(null), [], 'a source that is new is waited for');
  });

  it('a hole, and little space, each by its place', () => {
    assert.deepEqual(found({ gap: 'a hole' }), ['logs-hole/db/logs-2026-11-24T02:00:00Z']);
    assert.deepEqual(found({ space: [{ path: '/state', free: 999 }] }), ['little-space/stack1//state']);
  });
});

describe('what is wrong with a server whose logs are shipped', () => {
  const SERVER = { space: [], slot: { name: 'mosaic_logs_db', kept: 500, limit: 1000 } };

  it('a slot that was lost, one that keeps more than its part, and a disk that fills up', () => {
    assert.deepEqual(found({ slotLost: 'it was dropped' }), ['slot-lost/db/logs-2026-11-24T02:00:00Z']);
    assert.deepEqual(found({ server: SERVER }), ['slot-behind/db']);
    assert.deepEqual(found({ server: { ...SERVER, slot: { ...SERVER.slot, kept: 499 } } }), []);
    assert.deepEqual(found({ server: { ...SERVER, slot: { ...SERVER.slot, limit: null } } }), []);
    assert.deepEqual(found({ server: { space: [{ path: '/data', free: 2999 }], slot: null } }), [
      'server-space/db//data',
    ]);
    assert.deepEqual(found({ server: null }), [], 'one that gives no answer is told of by what fails');
  });

  it('the disk of a server beside it that ships no logs, under the name of that source', () => {
    const beside = [{ source: 'cache', space: [{ path: '/redis', free: 2999 }] }];
    assert.deepEqual(found({ beside }), ['server-space/cache//redis']);
    assert.deepEqual(found({ beside: [{ source: 'cache', space: [{ path: '/redis', free: 3000 }] }] }), []);
  });

  it('logs that contradict what is sealed, at once, with what the shipping said', () => {
    const error = {
      step: 'ship',
      code: 'conflict',
      message: 'Another 000A.',
      remedy: 'Stop the other.',
      retryable: false,
    };
    const sources = [report({ shipped: false, sealed: '2026-11-24T01:59:00.000Z' }, [error])];
    const fresh = freshness({ sources, fresh: {}, now: NOW });
    const [condition, ...more] = conditions({ spec: SPEC, sources, fresh, now: NOW }, LIMITS);
    assert.deepEqual(more, []);
    assert.equal(condition?.key, 'logs-conflict/db');
    assert.match(`${condition?.message} ${condition?.remedy}`, /db: Another 000A\. Stop the other\./);
  });
});

describe('a tick', () => {
  it('is complete only when everything is everywhere', () => {
    assert.equal(tickOutcome({ facts: FACTS, errors: [] }), 'complete');
    assert.equal(tickOutcome({ facts: { ...FACTS, owed: { vault: 1 } }, errors: [] }), 'partial');
    assert.equal(tickOutcome({ facts: { ...FACTS, gap: 'a hole' }, errors: [] }), 'partial');
    assert.equal(tickOutcome({ facts: { ...FACTS, shipped: false }, errors: [] }), 'failed');
  });

  it('starts no full on a whole minute, where a schedule may', () => {
    assert.equal(offSchedule(NOW), '2026-11-24T02:00:01Z');
    assert.equal(offSchedule(NOW + 7500), '2026-11-24T02:00:07Z');
  });

  it('knows its time from its id', () => {
    assert.equal(scheduledOf('logs', 'logs-2026-11-24T02:05:00Z'), '2026-11-24T02:05:00Z');
    assert.throws(() => scheduledOf('logs', 'something else'), /is not a time/);
  });
});
