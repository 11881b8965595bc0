/** Redis: what was restored is served, and single keys come into a running server. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { locate } from '../../../activities/streams/locate.ts';
import { runProgram } from '../../../activities/streams/run.ts';
import { capture, SOURCE } from '../../activities/sources/postgres/backups.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { processesNaming } from '../../support/processes.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { startCommand } from '../../support/worker-process.ts';

describe('a restore of Redis into a running server', function () {
  this.timeout(60_000);
  let folder: string;
  let server: TestRedis;
  let other: TestRedis;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'other'), { mode: 0o755 });
    server = await startRedis({ folder, settings: { appendonly: 'yes' } });
    other = await startRedis({ folder: path.join(folder, 'other'), tcp: true });
    await other.run('ACL', 'SETUSER', 'restorer', 'on', '>of other', '~*', '+@all');
    await writeFile(path.join(folder, 'secret'), 'of other\n', { mode: 0o600 });
    await server.pipe([
      'SET session:1 one',
      'SET session:2 two PX 3600000',
      'HSET session:3 field value',
      'SET "session:\\x00\\xff" binary',
      'SET cart bread',
      'SELECT 3',
      'SET session:4 other',
    ]);
    await server.pipe(Array.from({ length: 300 }, (_, number) => `RPUSH many:${number} a b c`));
    const scratch = path.join(folder, 'scratch');
    await mkdir(scratch, { mode: 0o755 });
    made = await makeSite({
      folder,
      sources: { [SOURCE]: server.config() },
      plans: { restoreTest: { scratch } },
    });
    await capture(made.site, '2026-11-23T02:00:00Z');
  });
  after(async () => {
    await server?.stop();
    await other?.stop();
    await cleanUp();
  });

  const keys = (...args: readonly string[]) => {
    const into = ['--into', `socket=${other.socket} user=restorer`, '--password-file', path.join(folder, 'secret')];
    return mosaicHere(['-c', made.file, 'restore', 'latest', '--source', SOURCE, ...into, ...args]);
  };
  const at = (words: readonly string[], own = other) =>
    runProgram({ command: 'redis-cli', args: ['-s', own.socket, ...words] }).then(({ stdout }) => stdout.trim());

  it('puts the keys of a pattern there, as they were, with what is left of their TTL', async () => {
    const dry = await keys('--key', 'session:*', '--dry-run');
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /would restore 4 keys:\n {2}session:\\x00\\xff\n {2}session:1\n/);
    assert.equal(await at(['DBSIZE']), '0');
    const { code, stdout, stderr } = await keys('--key', 'session:*');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^4 keys \(.*\) are restored from daily\/.* at repository/);
    assert.equal(await at(['GET', 'session:1']), 'one');
    assert.equal(await at(['HGET', 'session:3', 'field']), 'value');
    const left = Number(await at(['PTTL', 'session:2']));
    assert.ok(left > 3_000_000 && left <= 3_600_000, String(left));
    assert.equal(await at(['PTTL', 'session:1']), '-1');
    assert.equal(await at(['EXISTS', 'cart']), '0', 'nothing else');
    assert.equal(await at(['EVAL', "return redis.call('GET', 'session:\\0\\255')", '0']), 'binary');
    assert.equal((await keys('--key', 'many:*')).code, 0);
    assert.equal(await at(['LRANGE', 'many:299', '0', '-1']), 'a\nb\nc');
    assert.equal((await keys('--key', 'session:*', '--database', '3')).code, 0);
    assert.equal(await at(['-n', '3', 'GET', 'session:4']), 'other');
  });

  it('refuses what is there, and replaces it when that is said; nothing meant is not found', async () => {
    await at(['SET', 'cart', 'of now']);
    const refused = await keys('--key', 'cart');
    assert.equal(refused.code, 7, refused.stderr);
    assert.match(refused.stderr, /the server has 1 of them: cart\. Nothing was changed\./);
    assert.equal(await at(['GET', 'cart']), 'of now');
    assert.equal((await keys('--key', 'cart', '--replace')).code, 0);
    assert.equal(await at(['GET', 'cart']), 'bread');
    assert.equal((await keys('--key', 'nothing:*')).code, 6);
    await writeFile(path.join(folder, 'wrong'), 'wrong', { mode: 0o600 });
    const denied = await keys('--key', 'cart', '--replace', '--password-file', path.join(folder, 'wrong'));
    assert.equal(denied.code, 8, denied.stderr);
    assert.match(denied.stderr, /WRONGPASS/);
    assert.ok(!denied.stderr.includes('of other'));
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), [], 'no plaintext is left');
  });

  it('is done as the user who is named, also one without a password, and in no way that was not said', async () => {
    await at(['ACL', 'SETUSER', 'narrow', 'on', 'nopass', '~session:*', '+@all']);
    const as = (into: string, key = 'cart') =>
      mosaicHere(['-c', made.file, 'restore', 'latest', '--source', SOURCE, '--key', key, '--replace', '--into', into]);
    const narrow = await as(`socket=${other.socket} user=narrow`);
    assert.deepEqual([narrow.code, /NOPERM/.test(narrow.stderr)], [8, true], narrow.stderr);
    assert.equal((await as(`socket=${other.socket} user=narrow`, 'session:*')).code, 0);
    const nobody = await as(`socket=${other.socket} user=nobody`);
    assert.deepEqual([nobody.code, /WRONGPASS/.test(nobody.stderr)], [8, true], nobody.stderr);
    for (const port of ['abc', '0', '65536', '1e3']) {
      const wrong = await as(`host=127.0.0.1 port=${port}`);
      assert.deepEqual([wrong.code, /is no port/.test(wrong.stderr)], [2, true], wrong.stderr);
    }
    assert.equal((await as("host='' user=default")).code, 2);
    assert.equal((await as(`socket=${other.socket} user=narrow`, '')).code, 2);
  });

  it('--serve starts a private server on what was restored, says how it is reached, and ends it at ^C', async () => {
    const to = path.join(folder, 'served');
    const args = ['-c', made.file, 'restore', 'latest', '--source', SOURCE, '--to', to, '--serve'];
    // The one of the machine, which leaves a note of when it was called.
    const called = path.join(folder, 'sync-called');
    const told = path.join(folder, 'socket');
    const state = `$(test -e "$(cat ${told} 2>/dev/null)" && echo up || echo down)`;
    const sync = `#!/bin/sh\necho "$@ ${state}" >> ${called}\nexec ${locate('sync')} "$@"\n`;
    await mkdir(path.join(folder, 'bin'));
    await writeFile(path.join(folder, 'bin', 'sync'), sync, { mode: 0o755 });
    const PATH = `${path.join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
    const serving = startCommand({ args, owner: folder, env: { PATH } });
    await serving.printed('redis-cli -s');
    const socket = /export REDIS_SOCKET='(.*)'/.exec(serving.stdout())?.[1] ?? '';
    await writeFile(told, socket);
    const { stdout } = await runProgram({ command: 'redis-cli', args: ['-s', socket, 'GET', 'session:1'] });
    assert.equal(stdout.trim(), 'one');
    serving.kill('SIGINT');
    await serving.ended;
    assert.deepEqual(processesNaming(to), []);
    const last = (await readFile(called, 'utf8')).trimEnd().split('\n').at(-1);
    assert.equal(last, `-f ${to} down`, 'what the server wrote is on disk, once it has ended');
    assert.ok((await readdir(to)).length > 0, 'what was restored stays');
    assert.ok((await readdir(folder)).every((name) => !name.startsWith('.mosaic-serve-')));
    const files = await mosaicHere([...args.slice(0, 2), 'restore', 'latest', '--source', SOURCE, '--serve']);
    assert.equal(files.code, 2);
  });
});
