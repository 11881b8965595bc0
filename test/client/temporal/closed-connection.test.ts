import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { connectClient } from '../../../client/runs/start.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startTemporal } from '../../support/temporal-process.ts';

describe('a connection to Temporal that is closed', () => {
  after(cleanUp);

  it('ends the questions that are still tried again: each fails for whoever asked, and the process goes on', async () => {
    const temporal = await startTemporal(await temporaryFolder());
    const client = await connectClient({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    await temporal.kill();
    const asked = ['one', 'two', 'three'].map((id) => client.schedule.getHandle(id).describe());
    const ended = Promise.allSettled(asked);
    // Every one has failed by then, and waits for its next try.
    await pause(200);
    await client.connection.close();
    // A try on a closed channel would throw out of a timer, where nobody can catch it, and never tell whoever asked.
    const late = new AbortController();
    const results = await Promise.race([ended, pause(20_000, undefined, { signal: late.signal })]);
    late.abort();
    assert.deepEqual(
      results?.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    await assert.rejects(() => client.schedule.getHandle('four').describe());
  });
});
