import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectClient } from '../../../client/runs/start.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';

/** gRPC's status code of a server that is not there. */
const UNAVAILABLE = 14;

describe('a question to a Temporal that went away', () => {
  let temporal: TemporalProcess;
  let client: Client;

  before(async () => {
    temporal = await startTemporal(await temporaryFolder());
    client = await connectClient({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    await temporal.kill();
  });

  after(async () => {
    await client?.connection.close();
    await cleanUp();
  });

  it('fails with what is wrong where there is no time for another try, and not later with nothing but that', async () => {
    const deadline = Date.now() + 2_000;
    await assert.rejects(
      client.withDeadline(deadline, () => client.workflowService.describeNamespace({ namespace: 'default' })),
      { code: UNAVAILABLE },
    );
    assert.ok(Date.now() < deadline + 1_000);
  });

  it('is not tried again once whoever asked has given it up', async () => {
    const given = new AbortController();
    const ended = new AbortController();
    const asked = client
      .withAbortSignal(given.signal, () => client.workflowService.describeNamespace({ namespace: 'default' }))
      .then(
        () => 'answered',
        () => 'over',
      );
    // It waits for its next try by then; the tries take twenty seconds, the longest pause between two is one of five.
    await pause(1_000);
    given.abort();
    assert.equal(await Promise.race([asked, pause(10_000, 'asked on', { signal: ended.signal })]), 'over');
    ended.abort();
  });
});
