/** A run of a time that is over, which Temporal alone knows. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { requireOwnTime } from '../../../client/runs/past.ts';
import type { Session } from '../../../client/runs/session.ts';
import { connectClient, startRun } from '../../../client/runs/start.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { openSession } from '../../support/session.ts';
import { makeSite, type TestSite } from '../../support/site.ts';

describe('a run of a time that is over, that has made nothing yet', function () {
  this.timeout(60_000);
  let test: TestSite;
  let session: Session;

  before(async () => {
    const folder = await temporaryFolder();
    test = await makeSite({ folder, sources: { data: { type: 'files', paths: [path.join(folder, 'nothing')] } } });
    session = await openSession(test.file);
  });
  after(async () => {
    await session?.close();
    await cleanUp();
  });

  it('is known by Temporal', async () => {
    const input = { site: 'test', plan: 'daily', scheduled: '2020-01-01T02:00:00Z' };
    const known = () => connectClient(session.endpoint);
    await assert.rejects(requireOwnTime(test.site, input, known), { code: 'refused' });
    const { workflowId } = await startRun(session.client, input);
    await requireOwnTime(test.site, input, known);
    await session.client.workflow.getHandle(workflowId).terminate();
  });
});
