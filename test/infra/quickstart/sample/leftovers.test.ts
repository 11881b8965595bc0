/** What a killed start leaves running is ended by the next, of every engine; what only looks like it is not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { RunningDatabase } from '../../../../infra/quickstart/sample/database.ts';
import { DATABASES } from '../../../../infra/quickstart/sample/engines.ts';
import { endStrayServers } from '../../../../infra/quickstart/sample/leftovers.ts';
import { samplePlace } from '../../../../infra/quickstart/sample/place.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

const { signal } = new AbortController();

describe('sample: servers that were left behind', () => {
  after(cleanUp);

  for (const database of DATABASES) {
    it(`are ended: ${database.engine}`, async () => {
      const place = samplePlace({ MOSAIC_SAMPLE: path.join(await temporaryFolder(), 'sample') });
      await mkdir(place.keys, { recursive: true });
      await database.make(place, signal);
      const running: RunningDatabase = await database.start(place);
      try {
        await endStrayServers(`${place.root}-of-somebody-else`, DATABASES);
        // It answers still: nothing outside the folder was touched. That it has no ledger is its answer.
        await assert.rejects(running.reopen(signal), /ledger|shop/);
        await endStrayServers(place.root, DATABASES);
        await assert.rejects(running.reopen(signal), /does not answer|ECONNREFUSED|ENOENT|not connect/);
      } finally {
        await running.stop('immediate');
      }
    });
  }

  it('are only those that are servers: not a program that names the folder', async () => {
    const folder = await temporaryFolder();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore', argv0: `sleep -D ${folder}` });
    await once(stranger, 'spawn');
    await endStrayServers(folder, DATABASES);
    assert.equal(stranger.exitCode, null);
    assert.equal(stranger.signalCode, null);
    stranger.kill();
    await once(stranger, 'exit');
  });
});
