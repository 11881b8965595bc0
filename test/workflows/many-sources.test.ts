import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Session } from '../../client/runs/session.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { openSession, runDaily } from '../support/session.ts';
import { makeSite } from '../support/site.ts';

const SOURCES = 30;
/** As workflows/start-in-turn.ts has it. */
const AT_ONCE = 20;

describe('a run over many sources', () => {
  let session: Session;

  after(async () => {
    await session?.close();
    await cleanUp();
  });

  it('asks Temporal for a few of their workflows at a time, and backs all of them up', async () => {
    const folder = await temporaryFolder();
    const names = Array.from({ length: SOURCES }, (_, index) => `data-${index}`);
    for (const name of names) {
      await mkdir(path.join(folder, 'data', name), { recursive: true });
      await writeFile(path.join(folder, 'data', name, 'file'), name);
    }
    const { file } = await makeSite({
      folder,
      sources: Object.fromEntries(
        names.map((name) => [name, { type: 'files' as const, paths: [path.join(folder, 'data', name)] }]),
      ),
      temporal: await ownTemporal(),
    });
    session = await openSession(file);

    const report = await runDaily({ session, site: 'test', scheduled: '2026-11-20T02:00:00Z' });

    assert.equal(report.outcome, 'complete', JSON.stringify(report.errors));
    const { events } = await session.client.workflow.getHandle(report.runId).fetchHistory();
    const starting = new Set<string>();
    let started = 0;
    let most = 0;
    for (const event of events ?? []) {
      const asked = event.startChildWorkflowExecutionInitiatedEventAttributes;
      const began = event.childWorkflowExecutionStartedEventAttributes;
      if (asked?.workflowType?.name === 'backupSource') starting.add(String(asked.workflowId));
      if (starting.delete(String(began?.workflowExecution?.workflowId))) started += 1;
      most = Math.max(most, starting.size);
    }
    // With the program's own state.
    assert.equal(started, SOURCES + 1);
    // Fewer would be a run that holds its sources back: a child that runs takes no turn.
    assert.equal(most, AT_ONCE);
  });
});
