import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { runProgram } from '../../../../activities/streams/run.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { until } from '../../../support/until.ts';

const OFFLINE = new URL('../../../../activities/sources/private-server/offline.ts', import.meta.url).pathname;
const CHILD = new URL('offline-child.ts', import.meta.url).pathname;
/** As in units that do not give it; who is not root has none of it anyway. */
const WITHOUT =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin', '--no-new-privs', '--']
    : [];

describe('private servers without a network', () => {
  after(cleanUp);

  it('are cut off and die with their worker without CAP_SYS_ADMIN too', async () => {
    const log = path.join(await temporaryFolder(), 'log');
    const [command, ...args] = [...WITHOUT, process.execPath, CHILD, log];
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
