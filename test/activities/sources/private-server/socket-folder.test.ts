import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { socketFolder } from '../../../../activities/sources/private-server/process.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

const PROCESS = new URL('../../../../activities/sources/private-server/process.ts', import.meta.url).pathname;
const SOCKET = 'server.sock';
const LONG = `/${'long/'.repeat(20)}`;
const NOBODY = { uid: 65_534, gid: 65_534 };
const user = process.getuid?.() === 0 ? { name: 'nobody', ...NOBODY } : undefined;

/** Makes one, and waits to be killed. */
const MAKER = `import { socketFolder } from ${JSON.stringify(PROCESS)};
const [, wanted, name, user] = process.argv;
await socketFolder(wanted, name, user === undefined ? undefined : JSON.parse(user));
console.log('made');
setInterval(() => undefined, 60_000);`;

describe('the folder of a socket', () => {
  let tmp: string;
  let before: string | undefined;

  beforeEach(async () => {
    tmp = path.join(await temporaryFolder(), 'tmp');
    await mkdir(tmp, { mode: 0o755 });
    before = process.env['TMPDIR'];
    process.env['TMPDIR'] = tmp;
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  after(cleanUp);

  it('is the one that was wanted where its path is short enough; else one that is closed to others, until it is removed', async () => {
    assert.equal((await socketFolder('/short', SOCKET, user)).folder, '/short');
    assert.deepEqual(await readdir(tmp), []);
    const { folder, remove } = await socketFolder(LONG, SOCKET, user);
    assert.ok(Buffer.byteLength(path.join(folder, SOCKET)) <= 107, folder);
    const { uid, mode } = await stat(folder);
    assert.deepEqual([uid, mode & 0o777], [user?.uid ?? process.getuid?.(), 0o700]);
    await writeFile(path.join(folder, 'file'), '');
    await remove();
    assert.deepEqual(await readdir(tmp), []);
  });

  it('goes with the next one where its process was killed, and not before', async () => {
    const args = ['--input-type=module', '-e', MAKER, LONG, SOCKET, ...(user ? [JSON.stringify(user)] : [])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const [made] = await readdir(tmp);
    assert.ok(made);
    await (await socketFolder(LONG, SOCKET, user)).remove();
    assert.deepEqual(await readdir(tmp), [made], 'it lives');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await socketFolder(LONG, SOCKET, user)).remove();
    assert.deepEqual(await readdir(tmp), []);
  });
});
