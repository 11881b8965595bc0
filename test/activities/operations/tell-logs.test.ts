/** Alerts of servers that ship no logs: found by the tick of another source of their host. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { tellLogs } from '../../../activities/operations/tell-logs.ts';
import type { Site } from '../../../activities/site.ts';
import type { LogsFacts, LogsSpec } from '../../../model/logs-run.ts';
import type { SourceReport } from '../../../model/run.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { posted } from '../../support/webhook.ts';
import { testWork } from '../../support/work.ts';

const SPEC: LogsSpec = {
  runId: 'logs-2026-11-24T02:00:00Z',
  site: 'test',
  plan: 'logs',
  scheduled: '2026-11-24T02:00:00Z',
  steps: [{ source: 'db', type: 'postgres', host: 'here', destinations: [], deadline: 1 }],
  waits: { workerDeadline: 1, retryFirst: 1, heartbeat: 1, standstill: 1, busy: 1 },
  notified: true,
};
const FACTS: LogsFacts = {
  shipped: true,
  sealed: null,
  coversUntil: null,
  gap: null,
  fullDue: null,
  owed: {},
  space: [],
  slotLost: null,
  server: null,
};

describe('telling of a server that ships no logs', () => {
  let site: Site;
  let heard: string;

  before(async () => {
    const folder = await temporaryFolder();
    heard = path.join(folder, 'heard');
    const sources = { db: { type: 'postgres' as const }, cache: { type: 'redis' as const } };
    const notify = [{ type: 'command' as const, command: ['sh', '-c', `cat >> ${heard}`] }];
    ({ site } = await makeSite({ folder, sources, notify }));
  });
  after(cleanUp);

  /** What was told after a tick that found so many bytes free, or did not see. */
  async function tick(free: number | undefined): Promise<readonly string[]> {
    const beside = free === undefined ? [] : [{ source: 'cache', space: [{ path: '/redis', free }] }];
    const report: SourceReport = {
      source: 'db',
      state: 'done',
      outcome: 'complete',
      captured: null,
      copies: [],
      verified: false,
      errors: [],
      logs: { ...FACTS, beside },
    };
    assert.deepEqual(await tellLogs({ site, spec: SPEC, sources: [report], work: testWork() }), []);
    const lines = (await readFile(heard, 'utf8')).trimEnd().split('\n');
    return lines
      .map((line) => posted.parse(JSON.parse(line)))
      .map((each) => `${each.state} ${each.alert} ${each.source}`);
  }

  it('raises its full disk under its own name, and resolves it only once the disk was seen again', async () => {
    assert.deepEqual(await tick(1000), ['raised server-space cache']);
    assert.deepEqual(await tick(undefined), ['raised server-space cache'], 'not seen is not over');
    assert.deepEqual(await tick(2 ** 40), ['raised server-space cache', 'resolved server-space cache']);
  });
});
