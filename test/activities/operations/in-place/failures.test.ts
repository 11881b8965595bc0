import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  planInPlace,
  restoreInPlace,
  resumeInPlace,
  undoInPlace,
  type Schedules,
} from '../../../../activities/operations/in-place/index.ts';
import type { Site } from '../../../../activities/site.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, smallFileSystem, temporaryFolder } from '../../../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../../../support/managed-postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { capture, ship, SOURCE } from '../../sources/postgres/backups.ts';
import { requestOf } from './requests.ts';

/** What an operator may get wrong, and what may break: the old server is what it was before, each time. */
describe('a restore in place that fails', function () {
  this.timeout(180_000);
  let folder: string;
  let server: ManagedPostgres;
  let site: Site;

  before(async () => {
    folder = await temporaryFolder();
    server = await startManaged({ folder });
    site = await siteWith({});
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
    await ship(site, '2026-11-23T01:55:00Z');
    await capture(site, '2026-11-23T02:00:00Z');
    await server.sql('INSERT INTO t VALUES (1)');
  });
  after(async () => {
    await server?.end();
    await cleanUp();
  });

  let sites = 0;
  /** The same state, repository and keys, with another `inPlace`. */
  async function siteWith(inPlace: Partial<ManagedPostgres['inPlace']>): Promise<Site> {
    const config = { ...server.config(), inPlace: { ...server.inPlace, ...inPlace } };
    if (sites++ > 0) return { ...site, config: { ...site.config, sources: await sourcesOf(config) } };
    return (await makeSite({ folder, sources: { [SOURCE]: config } })).site;
  }

  async function sourcesOf(config: ReturnType<ManagedPostgres['config']>): Promise<Site['config']['sources']> {
    const { sourceConfig } = await import('../../../../model/config/source.ts');
    return { [SOURCE]: sourceConfig.parse(config) };
  }

  async function restore(inPlace: Partial<ManagedPostgres['inPlace']>): Promise<unknown> {
    const request = await requestOf(await siteWith(inPlace), {});
    return restoreInPlace(request, await planInPlace(request));
  }

  /** The old data are served, nothing is left behind but what is named, and backups go on. */
  async function isAsBefore(left: RegExp | null = null): Promise<void> {
    assert.deepEqual(await server.sql('SELECT id FROM t'), [{ id: 1 }]);
    const beside = (await readdir(folder)).filter((name) => /data\./.test(name));
    assert.ok(
      beside.every((name) => left?.test(name)),
      beside.join(),
    );
    for (const name of beside) await rm(path.join(folder, name), { recursive: true });
    await isBackupError(resumeInPlace(await requestOf(site, {})), 'not-found');
  }

  /** A program that does one thing the first time it is called, and runs the server's command otherwise. */
  async function firstTime(name: string, first: string, command: readonly string[]): Promise<readonly [string]> {
    const file = path.join(folder, name);
    const words = command.map((word) => `'${word}'`).join(' ');
    const script = `#!/bin/sh\nif [ ! -e ${file}.done ]; then touch ${file}.done; ${first}\nfi\nexec ${words}\n`;
    await writeFile(file, script);
    await chmod(file, 0o755);
    return [file];
  }

  it('goes back when the command to stop the server fails', async () => {
    const error = await isBackupError(restore({ stop: ['/bin/false'] }), 'program-failed');
    assert.match(error.message, /stop the server ended with status 1.*The old data are back/);
    await isAsBefore();
  });

  it('goes back when the server still runs after the stop, and names its processes', async () => {
    const error = await isBackupError(restore({ stop: ['/bin/true'], stopWithin: '1s' }), 'refused');
    assert.match(error.message, /still used by postgres \(\d+\), .* after it was stopped/);
    await isAsBefore();
  });

  it('goes back when another process uses the data', async () => {
    const other: ChildProcess = spawn('sleep', ['600'], { cwd: server.data, stdio: 'ignore' });
    try {
      const error = await isBackupError(restore({ stopWithin: '5s' }), 'refused');
      assert.match(error.message, new RegExp(`sleep \\(${other.pid}\\)`));
      await isAsBefore();
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
  });

  it('lets the schedules that it has paused run again, and a Temporal that is gone by then stops nothing', async () => {
    const did: string[] = [];
    const schedules: Schedules = {
      running: async () => ['logs'],
      pause: async (ids) => void did.push(`pause ${ids.join()}`),
      async resume(ids) {
        did.push(`resume ${ids.join()}`);
        throw new Error('it is gone');
      },
    };
    const told: string[] = [];
    const request = { ...(await requestOf(await siteWith({ stop: ['/bin/false'] }), { told })), schedules };
    await isBackupError(restoreInPlace(request, await planInPlace(request)), 'program-failed');
    assert.deepEqual(did, ['pause logs', 'resume logs']);
    assert.match(told.join('\n'), /stay paused \(it is gone\): logs.*schedules resume/);
    await isAsBefore();
  });

  it('goes back when the server does not start, and keeps what did not', async () => {
    const start = await firstTime('start-once', 'echo it will not >&2; exit 7;', server.inPlace.start);
    const error = await isBackupError(restore({ start: [...start] }), 'program-failed');
    assert.match(error.message, /start the server ended with status 7: .*it will not.*The old data are back/);
    await isAsBefore(/^data\.failed-/);
  });

  it('goes back when the check of the running server fails', async () => {
    // Nobody but the operator gets in: the server runs, and does not answer us.
    const hba = path.join(server.data, 'pg_hba.conf');
    const close = `echo 'local all postgres trust' > ${hba};`;
    const start = await firstTime('start-closed', close, server.inPlace.start);
    const error = await isBackupError(restore({ start: [...start], settle: '10s' }), 'verification-failed');
    assert.match(error.message, /does not run on what was restored, after 10s: .*mosaic_backup.*The old data are back/);
    await isAsBefore(/^data\.failed-/);
  });

  it('says where the old data are when the way back fails too, and takes it up again', async () => {
    const error = await isBackupError(restore({ start: ['/bin/false'] }), 'program-failed');
    assert.match(error.message, /The way back could not be finished.*data\.before-/);
    assert.match(error.remedy ?? '', /restore --undo/);
    await isBackupError(ship(site, '2026-11-23T03:00:00Z'), 'busy');
    await isBackupError(capture(site, '2026-11-23T03:00:00Z'), 'busy');
    await undoInPlace(await requestOf(site, {}));
    await isAsBefore(/^data\.failed-/);
    assert.equal((await ship(site, '2026-11-23T03:05:00Z'))?.gap, null, 'the slot and its history go on');
  });

  it('a command that starts nothing and calls it done is no way back: that is said, and taken up again', async () => {
    const error = await isBackupError(restore({ start: ['/bin/true'], settle: '1s' }), 'verification-failed');
    assert.match(error.message, /The way back could not be finished: .*does not answer/);
    assert.match(error.remedy ?? '', /restore --undo/);
    await undoInPlace(await requestOf(site, {}));
    await isAsBefore(/^data\.failed-/);
  });

  it('refuses a folder that is not the data folder of this server, before anything is touched', async () => {
    const error = await isBackupError(restore({ data: path.join(folder, 'run') }), 'refused');
    assert.match(error.message, /inPlace\.data of "db" is .*run, and its server runs on .*data/);
    assert.equal((await readFile(path.join(server.data, 'PG_VERSION'), 'utf8')).trim(), '15');
    await isAsBefore();
  });

  it('refuses another cluster, whether it runs or not', async () => {
    const elsewhere = await temporaryFolder();
    const other = await startManaged({ folder: elsewhere });
    try {
      const config = { ...other.config(), inPlace: other.inPlace };
      const wrong = { ...site, config: { ...site.config, sources: await sourcesOf(config) } };
      const request = { ...(await requestOf(site, {})), site: wrong };
      assert.match((await isBackupError(planInPlace(request), 'refused')).message, /is another cluster/);
      await other.stop();
      assert.match((await isBackupError(planInPlace(request), 'refused')).message, /data folder of another cluster/);
    } finally {
      await other.end();
    }
  });

  it('refuses where the disk of the data has no room for both', async () => {
    const small = await smallFileSystem('110m');
    const full = await startManaged({ folder: small, segment: 16 });
    try {
      const made = await makeSite({ folder: await temporaryFolder(), sources: { [SOURCE]: full.config() } });
      await capture(made.site, '2026-11-23T02:00:00Z');
      await writeFile(path.join(small, 'ballast'), Buffer.alloc(30 * 2 ** 20));
      await isBackupError(planInPlace(await requestOf(made.site, {})), 'no-space');
    } finally {
      await full.end();
    }
  });

  it('brings the old server back also where the disk of the state is full', async () => {
    const state = await smallFileSystem('16m');
    const { stop } = server.inPlace;
    const fills = [
      'sh',
      '-c',
      'dd if=/dev/zero of="$0" bs=64k 2>/dev/null; "$@"',
      path.join(state, 'ballast'),
      ...stop,
    ];
    const full = { ...(await siteWith({ stop: fills })), state };
    const request = await requestOf(full, {});
    const error = await isBackupError(restoreInPlace(request, await planInPlace(request)), 'no-space');
    assert.match(error.message, /The old data are back/);
    assert.deepEqual(await server.sql('SELECT id FROM t'), [{ id: 1 }]);
    await rm(path.join(state, 'ballast'));
    await isBackupError(resumeInPlace(request), 'not-found');
  });
});
