import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Session } from '../../client/runs/session.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { openSession, runDaily } from '../support/session.ts';
import { makeSite } from '../support/site.ts';

describe('captures that wait for a slot of their host', () => {
  let session: Session;

  after(async () => {
    await session?.close();
    await cleanUp();
  });

  it('stand behind others for longer than their own deadline, and are made', async () => {
    const folder = await temporaryFolder();
    const files = async (name: string) => {
      const data = path.join(folder, 'data', name);
      await mkdir(data, { recursive: true });
      await writeFile(path.join(data, 'file'), crypto.getRandomValues(new Uint8Array(65_536)));
      for (let count = 1; count < 9; count++)
        await writeFile(path.join(data, `file-${count}`), crypto.getRandomValues(new Uint8Array(65_536)));
      return { type: 'files' as const, paths: [data], limits: { maxRate: '150kB' } };
    };
    const { file } = await makeSite({
      folder,
      hosts: { near: { captures: 1 } },
      coordinator: 'near',
      sources: { one: await files('one'), two: await files('two') },
      plans: { daily: { captureDeadline: '3s', retryFirst: '100ms', retryMax: '200ms', heartbeat: '5s' } },
      temporal: await ownTemporal(),
    });
    session = await openSession(file);
    const started = Date.now();
    const scheduled = '2026-11-20T02:00:00Z';
    const report = await runDaily({ session, site: 'test', scheduled, sources: ['one', 'two'] });
    assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 1));
    assert.ok(Date.now() - started > 6_000, 'they were quicker than the deadline of the last: the test shows nothing');
  });
});
