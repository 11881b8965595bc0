import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { readGraph } from '../../client/runs/graph.ts';
import type { Session } from '../../client/runs/session.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { openSession } from '../support/session.ts';
import { makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';

describe('a run in a night in which clocks change', () => {
  let session: Session;

  before(async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data', 'file'), 'of a stack');
    const { file } = await makeSite({
      folder,
      timeZone: 'Europe/Berlin',
      sources: { stack: { type: 'files', paths: [path.join(folder, 'data')] } },
      plans: { daily: { at: '00:30', phases: { apps: '02:30' } } },
      temporal: await ownTemporal(),
    });
    session = await openSession(file);
  });
  after(async () => {
    await session?.close();
    await cleanUp();
  });

  // Far ahead: a run that waits for what is over waits no longer.
  for (const [night, scheduled, begins] of [
    [
      'the hour of its phase is left out: it begins as far behind the change',
      '2037-03-28T23:30:00Z',
      '2037-03-29T01:30:00Z',
    ],
    [
      'the hour of its phase comes twice: it begins the second time, once',
      '2037-10-24T22:30:00Z',
      '2037-10-25T01:30:00Z',
    ],
    ['no clock changes', '2037-10-25T23:30:00Z', '2037-10-26T01:30:00Z'],
  ] as const) {
    it(night, async () => {
      const handle = await session.client.workflow.start('dailyBackup', {
        workflowId: `daily-${scheduled}`,
        taskQueue: 'test',
        args: [{ site: 'test', plan: 'daily' }],
      });
      const step = await until('it waits for its phase', async () => {
        const graph = await readGraph(session.client, handle.workflowId).catch(() => undefined);
        const found = graph?.steps.find(({ id }) => id === 'stack/capture');
        return found?.next ? found : undefined;
      });
      assert.equal(step.next, begins);
      const { events } = await handle.fetchHistory();
      const timers = (events ?? []).flatMap(({ eventTime, timerStartedEventAttributes: timer }) => {
        const wait = Number(timer?.startToFireTimeout?.seconds ?? 0);
        return timer ? [Number(eventTime?.seconds) + wait] : [];
      });
      assert.equal(timers.length, 1);
      assert.ok(Math.abs((timers[0] ?? 0) - Date.parse(begins) / 1000) <= 2, 'it is woken then');
      await handle.cancel();
      await assert.rejects(handle.result(), (error) => error instanceof WorkflowFailedError);
    });
  }
});
