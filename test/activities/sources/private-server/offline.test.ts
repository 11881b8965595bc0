import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { startProcess } from '../../../../activities/sources/private-server/process.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { until } from '../../../support/until.ts';

const OFFLINE = new URL('../../../../activities/sources/private-server/offline.ts', import.meta.url).pathname;
const CHILD = new URL('offline-child.ts', import.meta.url).pathname;
/** As under the units for systemd; who is not root has none of it anyway. */
const AS_A_UNIT =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin', '--no-new-privs', '--']
    : [];

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

  it('are cut off and die with their worker without CAP_SYS_ADMIN too, as under the units for systemd', async () => {
    const log = path.join(await temporaryFolder(), 'log');
    const [command, ...args] = [...AS_A_UNIT, process.execPath, CHILD, log];
    const worker = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed] = await once(worker.stdout, 'data');
    const { way, pid, uid } = JSON.parse(String(printed));
    assert.deepEqual(way, { way: 'user' });
    const of = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8');
    try {
      await until('it has become the command', async () => (await of('comm')) === 'sleep\n');
      assert.deepEqual(
        (await of('net/dev')).match(/^ *\S+(?=:)/gm)?.map((name) => name.trim()),
        ['lo'],
      );
      const status = await of('status');
      assert.match(status, new RegExp(`^Uid:\t${uid}\t${uid}\t`, 'm'));
      assert.match(status, /^CapEff:\t0+$/m);
    } finally {
      worker.kill('SIGKILL');
    }
    // Where nobody collects orphans, as in a container, a zombie stays.
    const ended = async () => /^State:\t[ZX]/m.test(await of('status').catch(() => 'State:\tX'));
    await until('it has died with its worker', ended);
  });

  it('where the kernel allows no way that is found out, and why is known', async () => {
    const refuse = `echo 0 > /proc/sys/user/max_user_namespaces
      exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- "$0" --input-type=module -e "$1"`;
    const program = `import { offlinePrefix, offlineWay } from ${JSON.stringify(OFFLINE)};
      console.log(JSON.stringify([await offlineWay(undefined), await offlinePrefix(undefined)]))`;
    const args = ['--user', '--map-root-user', 'sh', '-c', refuse, process.execPath, program];
    const [way, prefix] = JSON.parse((await runProgram({ command: 'unshare', args })).stdout);
    assert.equal(way.way, 'none');
    assert.match(way.why, /unshare failed: Operation not permitted.*; .*unshare failed: No space left on device/s);
    assert.deepEqual(prefix, { words: [], isUser: false });
  });
});
