/** A run that is started and watched on a Temporal that goes away. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { Client } from '@temporalio/client';
import { connectClient, startRun } from '../../../client/runs/start.ts';
import { watchRun } from '../../../client/runs/watch.ts';
import { ensureSearchAttributes } from '../../../client/temporal/namespace.ts';
import { BackupError } from '../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { loseData, startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';

const input = { site: 'test', plan: 'daily', scheduled: '2026-11-23T02:00:00Z' } as const;
const RUN = 'daily-2026-11-23T02:00:00Z';

describe('a run that is watched', function () {
  this.timeout(120_000);
  let server: TemporalProcess;
  let client: Client;

  before(async () => {
    server = await startTemporal(await temporaryFolder());
    const endpoint = { connection: { address: server.address }, namespace: 'default', ui: null };
    await ensureSearchAttributes(endpoint);
    client = await connectClient(endpoint);
  });

  after(async () => {
    await client?.connection.close();
    await server?.stop();
    await cleanUp();
  });

  it('is waited for while Temporal is away, and its end is told once that is back', async () => {
    const watching = await watch();
    await server.kill();
    await server.start();
    assert.equal(watching.ended(), false);
    await server.client().workflow.getHandle(RUN).terminate('by the test');
    await isError(watching.result, 'failed', /ended without a report: .*by the test/, /run the same plan again/);
  });

  it('goes on, and that is said, where Temporal stays away; and one that is started then is not taken', async () => {
    const watching = await watch(500);
    await server.kill();
    const began = Date.now();
    await isError(watching.result, 'unreachable', /does not answer any more/, /goes on .*runs show daily-2026/);
    await isError(startRun(client, input, 500), 'unreachable', new RegExp(`did not take ${RUN}`), /free space/);
    // gRPC itself would have gone on asking for twenty seconds, for each.
    assert.ok(Date.now() - began < 30_000);
    await server.start();
  });

  it('finds a Temporal that is back within seconds, however long it was away', async () => {
    const handle = await startRun(client, input);
    const port = Number(server.address.split(':').at(-1));
    await server.kill();
    const tries: number[] = [Date.now()];
    const away = createServer((socket) => {
      tries.push(Date.now());
      socket.destroy();
    });
    await new Promise<void>((listening) => away.listen(port, '127.0.0.1', listening));
    while (Date.now() < (tries[0] ?? 0) + 18_000) {
      const question = client.withDeadline(Date.now() + 1000, () => handle.describe());
      await assert.rejects(question);
    }
    await new Promise((closed) => away.close(closed));
    const pauses = [...tries, Date.now()].map((time, index, all) => time - (all[index - 1] ?? time));
    // Those of gRPC itself would have been of six seconds and more by then.
    assert.ok(Math.max(...pauses) < 4_500, `pauses between tries in ms: ${pauses.join(', ')}`);
    await server.start();
  });

  it('is missed where Temporal has lost its data meanwhile', async () => {
    const watching = await watch();
    await server.kill();
    await loseData(server);
    await server.start();
    await isError(watching.result, 'not-found', /does not know daily-2026\S+ any more/, /runs retry daily-2026/);
  });

  async function watch(patience?: number) {
    // Nobody works there: it goes on until somebody ends it.
    const handle = await startRun(client, input);
    let ended = false;
    const { signal } = new AbortController();
    const options = { interval: 100, onProgress: () => {}, signal, ...(patience !== undefined && { patience }) };
    const result = watchRun(client, handle, options).finally(() => (ended = true));
    result.catch(() => undefined);
    return { result, ended: () => ended };
  }

  async function isError(failing: Promise<unknown>, code: string, message: RegExp, remedy: RegExp): Promise<void> {
    await assert.rejects(failing, (error: unknown) => {
      assert.ok(error instanceof BackupError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      assert.match(error.remedy ?? '', remedy);
      return true;
    });
  }
});
