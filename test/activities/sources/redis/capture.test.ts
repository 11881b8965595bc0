import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Site } from '../../../../activities/site.ts';
import { BackupError } from '../../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { openProxy } from '../../../support/proxy.ts';
import { keys, startRedis, type Method, type RedisInput, type TestRedis } from '../../../support/redis.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, names, onlyBackup, prove, restoreTo, SOURCE } from '../postgres/backups.ts';
import { onRestored } from './restored.ts';

const AT = '2026-03-01T02:00:00Z';
/** Bytes a second at which a capture of these tests takes some seconds. */
const SLOW = '1500kB';

describe('capture of a Redis source', () => {
  let folder: string;
  let server: TestRedis;

  async function siteFor(name: string, config: RedisInput): Promise<TestSite> {
    const own = path.join(folder, name);
    await mkdir(own);
    return makeSite({ folder: own, sources: { [SOURCE]: config } });
  }

  async function nothingLeft(site: Site): Promise<void> {
    assert.deepEqual(await listed(site), []);
    assert.deepEqual(await names(site.repository, '.staging'), []);
    assert.deepEqual(await names(site.state, 'spool', SOURCE), []);
  }

  before(async () => {
    folder = await temporaryFolder();
    const own = path.join(folder, 'server');
    await mkdir(own);
    server = await startRedis({ folder: own, tcp: true });
    await server.pipe(keys(25_000, { bytes: 1_000 }));
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  for (const method of ['stream', 'save'] as const) {
    it(`P26 with a save already running, the backup by ${method} still holds a key that was just written`, async () => {
      const { site } = await siteFor(`running-${method}`, server.config(method));
      // So long, in microseconds, the save pauses behind each key.
      await server.run('CONFIG', 'SET', 'rdb-key-save-delay', '60');
      await server.run('BGSAVE');
      await server.run('CONFIG', 'SET', 'rdb-key-save-delay', '0');
      await server.run('SET', `just-written-${method}`, 'yes');
      assert.equal((await server.info()).persistence.saving, true, 'the save is under way');
      await capture(site, AT);
      const to = path.join(folder, `running-${method}`, 'restored');
      await restoreTo(site, await onlyBackup(site), to);
      const found = await onRestored(to, { appendonly: 'no' }, (run) => run('GET', `just-written-${method}`));
      assert.equal(found, 'yes');
    });
  }

  it('waits for a rewrite of append-only files, behind which the server refuses to save', async () => {
    const { site } = await siteFor('rewriting', server.config('save'));
    await server.run('CONFIG', 'SET', 'rdb-key-save-delay', '60');
    await server.run('BGREWRITEAOF');
    await server.run('CONFIG', 'SET', 'rdb-key-save-delay', '0');
    await assert.rejects(server.run('BGSAVE'), /can't BGSAVE right now/);
    await capture(site, AT);
    assert.equal((await onlyBackup(site)).manifest.position?.['method'], 'save');
  });

  it('P27 a save that fails fails the backup, and nothing is published', async () => {
    const { site } = await siteFor('failing', server.config('save'));
    // An older one is there: that it can be read must not do.
    await server.run('SAVE');
    const outcome = await during(
      () => chmod(server.data, 0o500),
      () => chmod(server.data, 0o700),
      () => failureOf(capture(site, AT)),
    );
    assert.ok(outcome instanceof BackupError, String(outcome));
    assert.deepEqual([outcome.code, outcome.retryable], ['failed', true], outcome.message);
    assert.match(outcome.message, /did not save/);
    assert.match(outcome.remedy ?? '', /server log/);
    await nothingLeft(site);
    // Once the reason is gone, the same step succeeds, and says what it met.
    const again = await capture(site, AT, testWork(), 2);
    assert.match(again.warnings.join('\n'), /the last save of the server failed/);
    await onlyBackup(site);
  });

  /** What it fails with. */
  function failureOf(work: Promise<unknown>): Promise<unknown> {
    return work.then(
      () => assert.fail('it succeeded'),
      (error: unknown) => error,
    );
  }

  async function during<Result>(
    change: () => Promise<void>,
    back: () => Promise<void>,
    look: () => Promise<Result>,
  ): Promise<Result> {
    await change();
    try {
      return await look();
    } finally {
      await back();
    }
  }

  it('publishes nothing by a folder that is not the one of the server', async () => {
    const elsewhere = path.join(folder, 'elsewhere');
    await mkdir(elsewhere);
    const { site } = await siteFor('foreign', server.config('save', { folder: elsewhere }));
    await assert.rejects(capture(site, AT), (error) => {
      assert.ok(error instanceof BackupError);
      assert.equal(error.code, 'config');
      assert.match(error.remedy ?? '', /CONFIG GET dir/);
      return true;
    });
    await nothingLeft(site);
  });

  const breaks: Readonly<Record<string, (server: TestRedis, cut: () => void) => Promise<void>>> = {
    'by the server': async (server) => assert.equal(await server.run('CLIENT', 'KILL', 'TYPE', 'replica'), '1'),
    'on the way': async (_server, cut) => cut(),
  };
  for (const [what, breakIt] of Object.entries(breaks)) {
    it(`P28 a connection that is killed ${what} in the middle of the transfer publishes nothing`, async () => {
      const proxy = await openProxy(`127.0.0.1:${server.port}`);
      const port = Number(proxy.address.split(':')[1]);
      const { connection: _socket, ...config } = server.config('stream', { limits: { maxRate: SLOW } });
      const connection = { host: '127.0.0.1', port, user: 'mosaic_backup', password: { file: server.password } };
      const { site } = await siteFor(`killed ${what}`.replaceAll(' ', '-'), { ...config, connection });
      const work = testWork();
      const outcome = failureOf(capture(site, AT, work));
      await until('bytes are stored', () =>
        work.reports.some(({ phase, bytes }) => phase === 'capturing' && bytes > 0),
      );
      await breakIt(server, () => proxy.cut());
      const error = await outcome;
      await proxy.close();
      assert.ok(error instanceof BackupError, String(error));
      assert.deepEqual([error.code, error.retryable], ['unreachable', true], error.message);
      await nothingLeft(site);
    });
  }

  it('leaves nothing of the server changed when the capturing process is killed with SIGKILL', async () => {
    for (const method of ['stream', 'save'] satisfies readonly Method[]) {
      const { site, file } = await siteFor(`sigkill-${method}`, server.config(method, { limits: { maxRate: SLOW } }));
      const before = await standing();
      const script = path.join(import.meta.dirname, 'capture-in-child.ts');
      const child = spawn(process.execPath, [script, file, AT], { stdio: 'ignore' });
      const exited = once(child, 'exit');
      await until('an artifact is begun', async () => {
        const [attempt] = await names(site.repository, '.staging');
        return attempt !== undefined && (await names(site.repository, '.staging', attempt)).length > 0;
      });
      child.kill('SIGKILL');
      await exited;
      await until(
        'the server feeds nobody',
        async () => (await server.run('CLIENT', 'LIST', 'TYPE', 'replica')) === '',
      );
      assert.deepEqual(await standing(), before);
      assert.deepEqual(await listed(site), []);
      const config = { ...site.config, sources: { [SOURCE]: server.source(method) } };
      await capture({ ...site, config }, AT, testWork(), 2);
      await onlyBackup(site);
    }
  });

  /** All settings, and what lies in the data folder. */
  async function standing(): Promise<readonly unknown[]> {
    return [await server.settings(), (await readdir(server.data)).filter((name) => name !== 'dump.rdb')];
  }

  it('records what a restore must know: method, why, times, names and the length of the RDB', async () => {
    const { site } = await siteFor('records', server.config('stream', { names: { dbfilename: 'other.rdb' } }));
    await capture(site, AT);
    const { manifest } = await onlyBackup(site);
    const { position, engine, artifacts } = manifest;
    assert.partialDeepStrictEqual(position, {
      method: 'stream',
      appendonly: false,
      names: { dbfilename: 'other.rdb', known: true },
      times: { every: false },
    });
    assert.match(String(position?.['why']), /replication/);
    const stored = artifacts.find(({ role }) => role === 'base')?.plainBytes ?? 0;
    assert.equal(stored - Number(position?.['rdbBytes']), 40, 'the mark of a transfer without a disk');
    assert.deepEqual([engine['product'], engine['version']], ['redis', manifest.tools['redis-cli']]);
    const to = path.join(folder, 'records', 'restored');
    await restoreTo(site, await onlyBackup(site), to);
    assert.deepEqual(await readdir(to), ['other.rdb']);
  });

  it('streams from a server that writes the snapshot to its disk first', async () => {
    await server.run('CONFIG', 'SET', 'repl-diskless-sync', 'no');
    try {
      const { site } = await siteFor('disk', server.config('stream'));
      await capture(site, AT);
      const backup = await onlyBackup(site);
      const { position, artifacts } = backup.manifest;
      assert.equal(artifacts.find(({ role }) => role === 'base')?.plainBytes, position?.['rdbBytes']);
      const checks = await prove(site, backup, path.join(folder, 'disk', 'proof'));
      assert.equal(checks.get('files')?.ok, true);
      assert.equal(checks.get('start')?.ok, true);
    } finally {
      await server.run('CONFIG', 'SET', 'repl-diskless-sync', 'yes');
    }
  });
});
