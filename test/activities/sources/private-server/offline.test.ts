import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { startProcess } from '../../../../activities/sources/private-server/process.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { until } from '../../../support/until.ts';

describe('private servers without a network', () => {
  after(cleanUp);

  it('reach nothing, not even what listens on their own machine; others do', async () => {
    const folder = await temporaryFolder();
    let reached = 0;
    const listener = createServer((socket) => {
      reached += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    assert.ok(address !== null && typeof address === 'object');
    const said = async (offline: boolean): Promise<string> => {
      const log = path.join(folder, `log-${offline}`);
      const command = ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${address.port}; echo status $?`] as const;
      const child = await startProcess({ command: [...command], user: undefined, log, deathSignal: 'KILL', offline });
      await until('it has tried', () => !child.running());
      return readFile(log, 'utf8');
    };
    assert.match(await said(true), /unreachable/i);
    assert.equal(reached, 0);
    assert.match(await said(false), /status 0/);
    listener.close();
    assert.equal(reached, 1);
  });
});
