/** Alerts of what not every tick can look at: it is over only once it was looked at. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rmdir } from 'node:fs/promises';
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

describe('telling of what lasts', () => {
  let site: Site;
  let heard: string;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    heard = path.join(folder, 'heard');
    const sources = { db: { type: 'postgres' as const }, cache: { type: 'redis' as const } };
    const notify = [{ type: 'command' as const, command: ['sh', '-c', `cat >> ${heard}`] }];
    ({ site } = await makeSite({ folder, sources, notify }));
  });
  after(cleanUp);

  /** A server beside the source with so many bytes free; undefined where it was not seen. */
  function withFree(free: number | undefined): Promise<readonly string[]> {
    return tick({ beside: free === undefined ? [] : [{ source: 'cache', space: [{ path: '/redis', free }] }] });
  }

  function of(found: Partial<LogsFacts>): SourceReport {
    return {
      source: 'db',
      state: 'done',
      outcome: 'complete',
      captured: null,
      copies: [],
      verified: false,
      errors: [],
      logs: { ...FACTS, ...found },
    };
  }

  /** What was told up to a tick that found this. */
  async function tick(found: Partial<LogsFacts>): Promise<readonly string[]> {
    assert.deepEqual(await tellLogs({ site, spec: SPEC, sources: [of(found)], work: testWork() }), []);
    return told();
  }

  async function told(): Promise<readonly string[]> {
    const lines = (await readFile(heard, 'utf8')).trimEnd().split('\n');
    return lines
      .map((line) => posted.parse(JSON.parse(line)))
      .map((each) => `${each.state} ${each.alert} ${each.source}`);
  }

  it('a server that ships no logs: its full disk under its own name, resolved only once the disk was seen again', async () => {
    assert.deepEqual(await withFree(1000), ['raised server-space cache']);
    assert.deepEqual(await withFree(undefined), ['raised server-space cache'], 'not seen is not over');
    assert.deepEqual(await withFree(2 ** 40), ['raised server-space cache', 'resolved server-space cache']);
  });

  it('P03 logs that are gone: each time by itself, over only once it was looked for again', async () => {
    const [one, two] = [
      { from: '2026-11-24T01:00:00Z', to: '2026-11-24T01:30:00Z' },
      { from: '2026-11-24T01:50:00Z', to: null },
    ];
    const raised = ['raised logs-missing db', 'raised logs-missing db'];
    assert.deepEqual(await tick({ missing: [one, two] }), raised);
    assert.deepEqual(await tick({}), raised, 'not looked for is not over');
    assert.deepEqual(await tick({ missing: [one] }), [...raised, 'resolved logs-missing db']);
  });

  it('two ticks at once, the one of the schedule and one that was asked for: neither forgets what the other could not tell', async () => {
    await mkdir(heard);
    const asked = { ...SPEC, runId: 'logs-2026-11-24T02:00:01Z' };
    const failed = await Promise.all([
      tellLogs({ site, spec: SPEC, sources: [of({ gap: 'a hole' })], work: testWork() }),
      tellLogs({ site, spec: asked, sources: [of({ slotLost: 'its slot is gone.' })], work: testWork() }),
    ]);
    assert.ok(failed.every((errors) => errors.length === 1));
    await rmdir(heard);
    assert.deepEqual((await tick({})).toSorted(), ['raised logs-hole db', 'raised slot-lost db']);
  });
});
