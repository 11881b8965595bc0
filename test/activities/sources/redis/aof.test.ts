import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { redis } from '../../../../activities/sources/redis/index.ts';
import { positionOf } from '../../../../activities/sources/redis/position.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import type { Site } from '../../../../activities/site.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { RestoreTarget } from '../../../../model/target.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { keys, startRedis, type TestRedis } from '../../../support/redis.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, names, onlyBackup, prove, reader, restoreTo, SOURCE } from '../postgres/backups.ts';
import { onRestored, UNSEEN } from './restored.ts';

const AT = '2026-03-01T02:00:00Z';
const AOF = { appendonly: 'yes' } as const;

describe('capture of append-only files of a Redis source', () => {
  let folder: string;
  let server: TestRedis;

  async function siteFor(name: string, options: object = {}): Promise<TestSite> {
    const own = path.join(folder, name);
    await mkdir(own);
    return makeSite({ folder: own, sources: { [SOURCE]: server.config('aof', options) } });
  }

  beforeEach(async () => {
    folder = await temporaryFolder();
    const own = path.join(folder, 'server');
    await mkdir(own);
    const settings = { ...AOF, 'aof-timestamp-enabled': 'yes', 'auto-aof-rewrite-percentage': '100' };
    server = await startRedis({ folder: own, settings });
  });
  afterEach(async () => {
    await server.stop();
    await cleanUp();
  });

  /** Rewrites one after the other, and a key a round, until it is stopped. */
  function rewriting() {
    const state = { stopped: false, rounds: 0 };
    const loop = (async () => {
      for (; !state.stopped; state.rounds += 1) {
        await server.run('SET', `round:${state.rounds}`, 'x');
        await server.run('BGREWRITEAOF').catch((error: unknown) => {
          if (!(error instanceof BackupError) || error.code !== 'failed') throw error;
        });
      }
    })();
    return {
      rounds: () => state.rounds,
      async stop() {
        state.stopped = true;
        await loop;
      },
    };
  }

  it('P29 with BGREWRITEAOF in a loop the copy loads with all that was written before', async () => {
    await server.pipe(keys(20_000, { bytes: 500 }));
    const load = rewriting();
    await until('it is rewritten', async () => (await server.info()).persistence.rewrites > 1);
    for (let turn = 1; turn <= 3; turn += 1) {
      const { site } = await siteFor(`loop-${turn}`, { limits: { maxRate: '20MB' } });
      const rounds = load.rounds();
      const before = (await server.info()).persistence.rewrites;
      await capture(site, AT);
      assert.ok((await server.info()).persistence.rewrites > before, 'it was rewritten while it was copied');
      const backup = await onlyBackup(site);
      const to = path.join(folder, `loop-${turn}`, 'restored');
      await restoreTo(site, backup, to);
      await onRestored(to, AOF, async (run) => {
        assert.equal(await run('GET', `round:${rounds - 1}`), 'x');
        assert.ok(Number(await run('DBSIZE')) >= 20_000 + rounds);
      });
      const checks = await prove(site, backup, path.join(folder, `loop-${turn}`, 'proof'));
      for (const [name, { ok, detail }] of checks) assert.ok(ok || name === UNSEEN, `${name}: ${detail}`);
    }
    await load.stop();
  }).timeout(120_000);

  it("P29 the settings are as before, and no file is left beside the server's, after a copy and after a kill in its middle", async () => {
    await server.pipe(keys(10_000, { bytes: 500 }));
    const before = await standing();
    assert.equal((await server.settings())['auto-aof-rewrite-percentage'], '100');
    const { site, file } = await siteFor('killed', { limits: { maxRate: '1MB' } });
    const script = path.join(import.meta.dirname, 'capture-in-child.ts');
    const child = spawn(process.execPath, [script, file, AT], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    await until('an artifact is begun', async () => {
      const [attempt] = await names(site.repository, '.staging');
      return attempt !== undefined && (await names(site.repository, '.staging', attempt)).length > 0;
    });
    assert.deepEqual(await standing(), before, 'while it is copied');
    child.kill('SIGKILL');
    await exited;
    assert.deepEqual(await standing(), before, 'after the kill');
    assert.deepEqual(await listed(site), []);
    const config = { ...site.config, sources: { [SOURCE]: server.source('aof') } };
    await capture({ ...site, config }, AT, testWork(), 2);
    assert.deepEqual(await standing(), before, 'after a copy');
    await onlyBackup(site);
  });

  async function standing(): Promise<readonly unknown[]> {
    return [await server.settings(), await readdir(server.data, { recursive: true })];
  }

  it('refuses a server whose append-only file was turned on just now, and is not written yet', async () => {
    await server.pipe(keys(2_000));
    await server.run('CONFIG', 'SET', 'appendonly', 'no');
    await server.run('SET', 'meanwhile', 'yes');
    await server.run('CONFIG', 'SET', 'rdb-key-save-delay', '500');
    await server.run('CONFIG', 'SET', 'appendonly', 'yes');
    const { site } = await siteFor('begun');
    await assert.rejects(capture(site, AT), (error) => {
      assert.ok(error instanceof BackupError, String(error));
      assert.deepEqual([error.code, error.retryable], ['busy', true], error.message);
      return true;
    });
    assert.deepEqual(await listed(site), []);
    await until('the rewrite ends', async () => !(await server.info()).persistence.rewriting);
    await capture(site, AT, testWork(), 2);
    const to = path.join(folder, 'begun', 'restored');
    await restoreTo(site, await onlyBackup(site), to);
    assert.equal(await onRestored(to, AOF, (run) => run('GET', 'meanwhile')), 'yes');
  });

  /** Restores as an operation would that replays to a target. */
  async function restoreAt(backup: BackupReader, target: RestoreTarget): Promise<string> {
    const scratch = await temporaryFolder();
    const replay = { logs: [], target };
    await redis.restore({ source: SOURCE, work: testWork(), chain: [backup], scratch, paths: [], replay });
    return scratch;
  }

  async function onlyReader(site: Site): Promise<BackupReader> {
    return reader(site, await onlyBackup(site));
  }

  /** The second after this one, once it has begun by the server's clock as well. */
  async function nextSecond(): Promise<string> {
    const second = Math.floor(Date.now() / 1000) + 1;
    await wait(second * 1000 + 250 - Date.now());
    return new Date(second * 1000).toISOString();
  }

  it('restores to a second: what was written before is there, what came after is not', async () => {
    await nextSecond();
    await server.run('SET', 'before', 'yes');
    const time = await nextSecond();
    await server.run('SET', 'after', 'yes');
    await server.run('FLUSHALL');
    await nextSecond();
    const { site } = await siteFor('second');
    await capture(site, AT);
    const backup = await onlyReader(site);
    const { times } = positionOf(backup.manifest);
    assert.equal(times.every, true);
    const data = await restoreAt(backup, { kind: 'time', time });
    const found = await onRestored(data, AOF, async (run) => [await run('GET', 'before'), await run('GET', 'after')]);
    assert.deepEqual(found, ['yes', '']);
    const end = await restoreAt(backup, { kind: 'end' });
    assert.equal(await onRestored(end, AOF, (run) => run('DBSIZE')), '0');
  });

  it('restores to a second of an earlier increment than the last', async () => {
    await server.pipe(keys(2_000));
    await nextSecond();
    await server.run('SET', 'before', 'yes');
    const time = await nextSecond();
    // A rewrite that fails leaves a second increment behind.
    await server.run('CONFIG', 'SET', 'rdb-key-save-delay', '5000');
    await server.run('BGREWRITEAOF');
    await server.run('SET', 'after', 'yes');
    const [child] = (await readFile(`/proc/${server.pid()}/task/${server.pid()}/children`, 'utf8')).trim().split(' ');
    process.kill(Number(child), 'SIGUSR1');
    await until('the rewrite has failed', async () => !(await server.info()).persistence.rewriting);
    await nextSecond();
    const { site } = await siteFor('earlier');
    await capture(site, AT);
    const backup = await onlyReader(site);
    assert.equal(positionOf(backup.manifest).files?.length, 3);
    const data = await restoreAt(backup, { kind: 'time', time });
    await onRestored(data, AOF, async (run) => {
      assert.deepEqual([await run('GET', 'before'), await run('GET', 'after')], ['yes', '']);
      assert.equal(await run('DBSIZE'), '2001');
    });
  });

  it('refuses a time that it does not reach, and says which it does: before the base, after the end, without timestamps', async () => {
    await server.run('SET', 'old', 'yes');
    const old = await nextSecond();
    await nextSecond();
    await server.run('BGREWRITEAOF');
    await until('it is rewritten', async () => !(await server.info()).persistence.rewriting);
    await nextSecond();
    const { site } = await siteFor('range');
    await capture(site, AT);
    const backup = await onlyReader(site);
    const { from, to } = positionOf(backup.manifest).times;
    assert.ok(old < from, 'the rewrite has made earlier times unreachable');
    const late = new Date(Date.parse(to) + 2_000).toISOString();
    for (const time of [old, late])
      await refused(backup, { kind: 'time', time }, 'refused', new RegExp(`${from} to ${to}`));
    await refused(backup, { kind: 'name', name: 'x' }, 'usage', /only times/);

    await server.run('CONFIG', 'SET', 'aof-timestamp-enabled', 'no');
    await server.run('BGREWRITEAOF');
    await until('it is rewritten', async () => !(await server.info()).persistence.rewriting);
    await server.run('SET', 'unstamped', 'yes');
    const { site: without } = await siteFor('unstamped');
    await capture(without, AT);
    const unstamped = await onlyReader(without);
    assert.equal(positionOf(unstamped.manifest).times.every, false);
    await refused(unstamped, { kind: 'time', time: new Date().toISOString() }, 'refused', /one instant/);
  });

  async function refused(backup: BackupReader, target: RestoreTarget, code: string, words: RegExp): Promise<void> {
    await assert.rejects(restoreAt(backup, target), (error) => {
      assert.ok(error instanceof BackupError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, words);
      return true;
    });
  }

  it('cuts off a command in whose middle the copy ended, and refuses any other damage', async () => {
    await server.run('SET', 'whole', 'yes');
    await server.run('SET', 'torn', 'yes');
    const { site } = await siteFor('torn');
    await capture(site, AT);
    const backup = await onlyReader(site);
    const files = positionOf(backup.manifest).files ?? [];
    const last = files.at(-1);
    assert.ok(last);
    const shorter = [...files.slice(0, -1), { ...last, bytes: last.bytes - 4 }];
    const manifest = { ...backup.manifest, position: { ...backup.manifest.position, files: shorter } };

    const cut = async (scratch: string) => truncate(path.join(scratch, 'appendonlydir', last.name), last.bytes - 4);
    const scratch = await restoreWith({ ...backup, manifest }, last.artifact, cut);
    const found = await onRestored(scratch, AOF, async (run) => [await run('GET', 'whole'), await run('GET', 'torn')]);
    assert.deepEqual(found, ['yes', '']);

    // Inside of a command: a timestamp between two of them is a comment, which the server does not look into.
    const damage = async (scratch: string) => {
      const handle = await open(path.join(scratch, 'appendonlydir', last.name), 'r+');
      const length = '$5\r\nwhole';
      const at = (await handle.readFile('latin1')).indexOf(length);
      assert.ok(at >= 0);
      await handle.write('X', at);
      await handle.close();
    };
    await assert.rejects(restoreWith(backup, last.artifact, damage), (error) => {
      assert.ok(error instanceof BackupError, String(error));
      assert.equal(error.code, 'verification-failed', error.message);
      return true;
    });
  });

  /** Restores, doing something to the folder as soon as an artifact is in it. */
  async function restoreWith(
    backup: BackupReader,
    artifact: string,
    change: (scratch: string) => Promise<void>,
  ): Promise<string> {
    const scratch = await temporaryFolder();
    const changed: BackupReader = {
      ...backup,
      async into(role, name, consumer) {
        await backup.into(role, name, consumer);
        if (name.startsWith(artifact)) await change(scratch);
      },
    };
    await redis.restore({ source: SOURCE, work: testWork(), chain: [changed], scratch, paths: [] });
    return scratch;
  }
});
