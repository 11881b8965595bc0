import assert from 'node:assert/strict';
import { chmod, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ensureSearchAttributes } from '../../../client/temporal/namespace.ts';
import { capture, ship, SOURCE } from '../../activities/sources/postgres/backups.ts';
import { mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startManaged, type ManagedMariadb } from '../../support/managed-mariadb.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import { atPoint, startCommand, type CommandProcess, type SignalPoint } from '../../support/worker-process.ts';

/** Its config names a link to the data folder, as where that lies on another disk. */
describe('restore --in-place of MariaDB by the worker of its host', function () {
  this.timeout(180_000);
  let folder: string;
  let server: ManagedMariadb;
  let temporal: TemporalProcess;
  let made: TestSite;
  let worker: CommandProcess | undefined;

  before(async () => {
    folder = await temporaryFolder();
    [server, temporal] = await Promise.all([startManaged(folder), startTemporal(await temporaryFolder())]);
    await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    const link = path.join(folder, 'link');
    await symlink(server.data, link);
    made = await makeSite({
      folder,
      sources: {
        [SOURCE]: server.config({ inPlace: { ...server.inPlace, data: link, stop: [await stopAndDamage()] } }),
      },
      plans: { daily: { retryFirst: '100ms', heartbeat: '2s' } },
      temporal: { address: temporal.address },
    });
    await server.sql('CREATE DATABASE a; CREATE TABLE a.t (id int PRIMARY KEY); INSERT INTO a.t VALUES (1)');
    await capture(made.site, '2026-11-23T02:00:00Z');
    await server.sql('INSERT INTO a.t VALUES (2)');
    await ship(made.site, '2026-11-23T02:05:00Z');
  });
  afterEach(async () => {
    await worker?.end();
    for (const name of await beside()) await rm(path.join(folder, name), { recursive: true });
  });
  after(async () => {
    await temporal?.stop();
    await server?.end();
    await cleanUp();
  });

  /** Stops the server; where a file says so, what it had not shipped cannot be read any more. */
  async function stopAndDamage(): Promise<string> {
    const file = path.join(folder, 'stop-and-damage.sh');
    const [stop = ''] = server.inPlace.stop;
    const gone = `while test -e ${folder}/run/managed.pid; do sleep 0.1; done`;
    const damage = `for log in ${server.data}/mysql-bin.0*; do printf XXXXXXXX | dd of=$log bs=1 seek=300 conv=notrunc; done`;
    await writeFile(file, `#!/bin/sh\nset -e\n${stop}\nif test -e ${file}.damage; then ${gone}; ${damage}; fi\n`);
    await chmod(file, 0o755);
    return file;
  }

  async function start(point?: SignalPoint): Promise<void> {
    const args = ['-c', made.file, 'worker'];
    worker = startCommand({ args, owner: folder, ...(point && { point, reached: path.join(folder, 'reached') }) });
    await worker.printed('serves');
  }

  function restore(...args: readonly string[]): Promise<Ended> {
    const wanted = ['restore', 'latest', '--source', SOURCE, '--in-place', '--confirm', 'test'];
    return mosaicHere(['-c', made.file, ...wanted, ...args]);
  }

  async function beside(): Promise<readonly string[]> {
    return (await readdir(folder)).filter((name) => /data\./.test(name));
  }

  async function holds(ids: readonly number[], left: readonly string[]): Promise<void> {
    assert.deepEqual((await server.sql('SELECT id FROM a.t ORDER BY id')).map(Number), ids);
    assert.deepEqual(
      (await beside()).map((name) => name.replace(/-\d.*/, '')),
      left,
    );
  }

  it('killed with the old data set aside goes on with the next one, and reaches the last commit', async () => {
    await server.sql('INSERT INTO a.t VALUES (3)');
    const point = { at: 'activities/operations/in-place/folders.ts#moveTo', when: 'left', nth: 2 } as const;
    await start(point);
    const restoring = restore('--at', 'end');
    assert.ok(worker);
    await atPoint(worker, point, path.join(folder, 'reached'));
    await start();
    const { code, stdout, stderr } = await restoring;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /restored by the worker/);
    assert.match(stdout, new RegExp(`in place, to ${server.data}\\b`));
    await holds([1, 2, 3], ['data.before']);
  });

  it('goes back where what was not shipped cannot be saved, and goes on with --accept-unsaved', async () => {
    await start();
    await server.sql('INSERT INTO a.t VALUES (4)');
    await server.lastWords('INSERT INTO a.t VALUES (5)');
    await writeFile(path.join(folder, 'stop-and-damage.sh.damage'), '');
    const refused = await restore();
    assert.notEqual(refused.code, 0, refused.stderr);
    assert.match(refused.stderr, /--accept-unsaved/);
    await holds([1, 2, 3, 4, 5], []);
    const accepted = await restore('--accept-unsaved');
    assert.equal(accepted.code, 0, accepted.stderr);
    assert.match(accepted.stderr, /is not saved \(it stays in the old data\)/);
    await holds([1, 2, 3], ['data.before']);
    const given = (await server.sql('SELECT @@GLOBAL.gtid_binlog_pos')).join();
    assert.match(given, /^0-1-10000000\d\d$/, 'none of them is given again');
  });
});
