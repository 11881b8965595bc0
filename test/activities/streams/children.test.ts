import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { childrenOf, isAtWork } from '../../../activities/streams/children.ts';
import { locate } from '../../../activities/streams/locate.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { until } from '../../support/until.ts';

describe('the children of a process', () => {
  after(cleanUp);

  it('are those that it has started and that live, and of them no others', async () => {
    // As nobody calls a program.
    const odd = path.join(await temporaryFolder(), ') Z 1 (');
    await symlink(locate('sleep'), odd);
    const shell = spawn('sh', ['-c', 'sleep 1000 & "$0" 2000 & wait', odd], { stdio: 'ignore' });
    await once(shell, 'spawn');
    const pid = shell.pid ?? assert.fail();
    assert.ok((await childrenOf(process.pid)).includes(pid));
    await until('both run', async () => (await childrenOf(pid)).length === 2);
    const [one = assert.fail()] = await childrenOf(pid);
    assert.ok(!(await childrenOf(process.pid)).includes(one));
    // Nobody reaps it.
    shell.kill('SIGSTOP');
    process.kill(one, 'SIGKILL');
    await until('one has ended', async () => !(await isAtWork(one)));
    const [other = assert.fail(), ...more] = await childrenOf(pid);
    assert.deepEqual(more, []);
    shell.kill('SIGKILL');
    await once(shell, 'exit');
    assert.deepEqual(await childrenOf(pid), []);
    assert.ok(await isAtWork(other), 'it has another parent now');
    process.kill(other, 'SIGKILL');
    await until('the other has ended too', async () => !(await isAtWork(other)));
  });
});
