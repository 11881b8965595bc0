import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, chmod, readdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { command } from '../../../../activities/sources/redis/client.ts';
import { gatherInfo } from '../../../../activities/sources/redis/facts.ts';
import { inPlace as adapter } from '../../../../activities/sources/redis/in-place/index.ts';
import { redisUser } from '../../../../activities/sources/redis/server-user.ts';
import type { Site } from '../../../../activities/site.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startRedis } from '../../../support/redis.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { inPlace } from '../../operations/in-place/requests.ts';
import { capture, listed, SOURCE } from '../postgres/backups.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';

/** A server that is stopped and started by commands, with its own redis.conf: what it loads is its own to decide. */
describe('restores in place of a Redis source', function () {
  this.timeout(180_000);
  let folder: string;
  let data: string;
  let site: Site;
  let socket: string;
  let conf: string;
  let ctl: (what: 'start' | 'stop') => Promise<unknown>;
  const scheduled = scheduledTimes();

  afterEach(() => end());
  after(cleanUp);

  async function begin(appendonly: 'yes' | 'no', settle = '120s'): Promise<void> {
    folder = await temporaryFolder();
    const server = await startRedis({ folder, settings: { appendonly } });
    await server.stop();
    ({ data } = server);
    socket = path.join(folder, 'run', 'managed.sock');
    conf = path.join(folder, 'redis.conf');
    const lines = {
      port: '0',
      unixsocket: socket,
      dir: data,
      daemonize: 'yes',
      logfile: path.join(folder, 'run', 'managed.log'),
      pidfile: path.join(folder, 'run', 'managed.pid'),
      save: '3600 1',
      'repl-diskless-sync-delay': '0',
    };
    await appendFile(
      conf,
      Object.entries(lines)
        .map(([name, value]) => `\n${name} ${value}`)
        .join(''),
    );
    await appendFile(conf, `\nappendonly ${appendonly}\n`);
    const user = await redisUser();
    const as =
      user && user.uid !== userInfo().uid ? `setpriv --reuid=${user.uid} --regid=${user.gid} --clear-groups --` : '';
    const scripts = {
      start: [`${as} redis-server ${conf}`, `until redis-cli -s ${socket} ping | grep -q PONG; do sleep 0.1; done`],
      stop: [`redis-cli -s ${socket} shutdown`],
    };
    for (const [name, body] of Object.entries(scripts)) {
      await writeFile(path.join(folder, name), ['#!/bin/sh', 'set -e', ...body, ''].join('\n'));
      await chmod(path.join(folder, name), 0o755);
    }
    ctl = (what) => runProgram({ command: 'sh', args: ['-c', `${folder}/${what} >/dev/null 2>&1`], cwd: '/' });
    const config = server.config('stream', {
      connection: { socket, user: 'mosaic_backup', password: { file: server.password } },
    });
    const commands = { data, stop: [path.join(folder, 'stop')], start: [path.join(folder, 'start')] };
    const made = { ...config, inPlace: { ...commands, stopWithin: '120s', settle } };
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: made } }));
    await ctl('start');
  }

  const asking = () => ({
    connection: { host: '', port: 0, socket, user: undefined, password: undefined, ca: undefined },
    signal: testWork().signal,
  });
  const redis = (...words: readonly string[]) => command(asking(), words);
  const full = () => capture(site, scheduled());

  async function end(): Promise<void> {
    const running = await redis('PING').then(
      () => true,
      () => false,
    );
    if (running) await ctl('stop');
  }

  async function restart(): Promise<void> {
    const { runId } = await gatherInfo(asking());
    await ctl('stop');
    await ctl('start');
    await until('another run', async () => (await gatherInfo(asking())).runId !== runId);
  }

  async function keys(): Promise<readonly string[]> {
    return (await redis('KEYS', '*')).split('\n').toSorted();
  }

  for (const appendonly of ['yes', 'no'] as const) {
    it(`P25 P54 two in a row under appendonly ${appendonly}, each with all keys after two restarts`, async () => {
      await begin(appendonly);
      await redis('SET', 'one', '1');
      await full();
      const base = (await listed(site))[0];
      await redis('SET', 'two', '2');

      await inPlace(site, {});
      assert.deepEqual(await keys(), ['one']);
      for (const _again of [1, 2]) await restart();
      assert.deepEqual(await keys(), ['one']);
      await redis('SET', 'three', '3');

      await inPlace(site, { from: base });
      assert.deepEqual(await keys(), ['one']);
      await redis('SET', 'four', '4');
      for (const _again of [1, 2]) await restart();
      assert.deepEqual(await keys(), ['four', 'one']);
      assert.equal((await readdir(folder)).filter((name) => name.startsWith('data.before-')).length, 2);
      assert.equal((await listed(site)).length, 3, 'a full behind each');
    });
  }

  it('P25 a backup of before appendonly was turned on has all keys under it, after two restarts', async () => {
    await begin('no');
    await redis('SET', 'one', '1');
    await full();
    await redis('CONFIG', 'SET', 'appendonly', 'yes');
    await until('the append-only file', async () =>
      (await redis('INFO', 'persistence')).includes('aof_rewrite_in_progress:0'),
    );
    await appendFile(conf, 'appendonly yes\n');
    await redis('SET', 'two', '2');
    await inPlace(site, {});
    assert.deepEqual(await keys(), ['one']);
    for (const _again of [1, 2]) await restart();
    assert.deepEqual(await keys(), ['one']);
  });

  it('a backup of before appendonly was turned off leaves no history that a later start would load in place of the dump', async () => {
    await begin('yes');
    await redis('SET', 'one', '1');
    await full();
    await redis('CONFIG', 'SET', 'appendonly', 'no');
    await appendFile(conf, 'appendonly no\n');
    await inPlace(site, {});
    assert.deepEqual(await keys(), ['one']);
    assert.deepEqual(
      (await readdir(data)).filter((name) => name.startsWith('appendonly')),
      [],
    );
    await restart();
    assert.deepEqual(await keys(), ['one']);
  });

  it('refuses a folder that only bears the path of the one that the server stands in, as where that runs in a container', async () => {
    await begin('yes');
    await redis('SET', 'one', '1');
    await full();
    const config = site.config.sources[SOURCE];
    const manifest = (await listed(site))[0]?.manifest;
    assert.ok(config?.type === 'redis' && manifest);
    const { inPlace: place } = config;
    assert.ok(place);
    const of = { source: SOURCE, config, work: testWork(), readSecret: site.readSecret, state: folder };
    const examine = () => adapter.examine({ ...of, place, manifest, replayed: false }, []);
    assert.equal((await examine()).answers, true);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', data]);
    try {
      assert.match((await isBackupError(examine(), 'refused')).message, /its server runs elsewhere/);
    } finally {
      execFileSync('umount', ['--lazy', data]);
    }
    assert.deepEqual(await keys(), ['one']);
  });

  it('goes back where the server loads nothing of what was restored', async () => {
    await begin('no', '15s');
    await redis('SET', 'one', '1');
    await full();
    await redis('SET', 'two', '2');
    // Its configuration says what the running server does not: it comes up with append-only files, and empty.
    await appendFile(conf, 'appendonly yes\n');
    const error = await isBackupError(inPlace(site, {}), 'verification-failed');
    assert.match(error.message, /appendonly is yes, and it was made ready for the other.*The old data are back/);
    assert.ok((await readdir(folder)).some((name) => name.startsWith('data.failed-')));
    assert.ok((await readdir(data)).includes('dump.rdb'));
  });
});
