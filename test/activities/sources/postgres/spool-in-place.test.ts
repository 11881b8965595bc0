import assert from 'node:assert/strict';
import { copyFile, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { backUpAgain, planInPlace, restoreInPlace } from '../../../../activities/operations/in-place/index.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { giveTo } from '../../../../activities/sources/private-server/user.ts';
import type { Site } from '../../../../activities/site.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../../../support/managed-postgres.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { inPlace, requestOf } from '../../operations/in-place/requests.ts';
import { capture, ship as shipAt, SOURCE } from './backups.ts';
import { clockOf, insertRow, recoverTo, rowsIn } from './recoveries.ts';
import { documentedCommand, spooled } from './spools.ts';

describe('restores in place of a PostgreSQL source that ships out of a spool', function () {
  this.timeout(300_000);
  let folder: string;
  let spool: string;
  let blocked: string;
  let server: ManagedPostgres;
  let site: Site;
  let restores = 0;

  before(async () => {
    [folder, spool] = [await temporaryFolder(), await temporaryFolder()];
    await giveTo(await serverUser(), spool, new AbortController().signal);
    blocked = path.join(folder, 'blocked');
    const archive_command = `test ! -e ${blocked} && ${await documentedCommand(spool)}`;
    server = await startManaged({ folder, settings: { archive_mode: 'on', archive_command } });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config('socket', { logs: { spool } }) } }));
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
  });
  after(async () => {
    await server?.end();
    await cleanUp();
  });

  const scheduled = scheduledTimes();
  const ship = () => shipAt(site, scheduled());

  const insert = (id: number) => insertRow(server, id);

  async function switchWal(): Promise<string> {
    const [row] = await server.sql('SELECT pg_walfile_name(pg_switch_wal()) AS name');
    return String(row?.['name']);
  }

  async function rows(): Promise<readonly number[]> {
    return (await server.sql('SELECT id FROM t ORDER BY id')).map(({ id }) => Number(id));
  }

  async function rowsAt(at: string): Promise<readonly number[]> {
    const to = path.join(folder, `restored-${restores++}`);
    await recoverTo({ site, to, at });
    return rowsIn(to, server.binaries.folder);
  }

  it('P54 twice in a row: what had not been archived is saved, shipping goes on, and every time before and after is reached', async () => {
    await ship();
    await capture(site, scheduled());
    const one = await insert(1);
    await insert(2);
    await ship();
    // Archived, and not shipped yet.
    const three = await insert(3);
    const archived = await switchWal();
    await until('it is archived', async () => (await spooled(spool)).includes(archived));
    // Not archived: a whole segment and one that is begun.
    await writeFile(blocked, '');
    // So that what is cut off below is no part of it.
    await server.sql("SELECT pg_logical_emit_message(true, 'ballast', repeat('x', 100000))");
    const four = await insert(4);
    const kept = await switchWal();
    const five = await insert(5);
    // The copy of an archive_command that writes under the final name, and was cut off in the middle.
    await cutOff(kept);

    const request = await requestOf(site, { at: one });
    await restoreInPlace(request, await planInPlace(request));
    assert.deepEqual(await rows(), [1]);
    await rm(path.join(spool, kept));
    await rm(blocked);
    await backUpAgain(request);
    const eleven = await insert(11);
    assert.equal((await ship())?.gap, null);
    assert.deepEqual(await spooled(spool), [], 'of the old timeline nothing is left that is sealed');

    // From the same time again, with an archive_command that works until the end.
    await insert(12);
    const twelve = await clock();
    await inPlace(site, { at: eleven });
    assert.deepEqual(await rows(), [1, 11]);
    const last = await insert(21);
    const shipped = await ship();
    assert.equal(shipped?.gap, null);
    assert.equal(shipped.stray, null);
    assert.deepEqual(await spooled(spool), []);

    assert.deepEqual(await rowsAt(three), [1, 2, 3]);
    assert.deepEqual(await rowsAt(four), [1, 2, 3, 4]);
    assert.deepEqual(await rowsAt(five), [1, 2, 3, 4, 5]);
    assert.deepEqual(await rowsAt(eleven), [1, 11]);
    assert.deepEqual(await rowsAt(twelve), [1, 11, 12]);
    assert.deepEqual(await rowsAt(last), [1, 11, 21]);
    assert.deepEqual(await rowsAt('end'), [1, 11, 21]);
    assert.equal((await readdir(folder)).filter((name) => name.startsWith('data.before-')).length, 2);
  });

  it('the old data put back by hand: logs of the timeline from before are shipped behind a hole, and go on', async () => {
    await server.stop();
    const kept = (await readdir(folder)).filter((name) => name.startsWith('data.before-')).toSorted();
    await rename(server.data, `${server.data}.failed-by-hand`);
    await rename(path.join(folder, kept.at(-1) ?? ''), server.data);
    await server.start();
    assert.deepEqual(await rows(), [1, 11, 12]);
    await insert(31);
    const back = await ship();
    assert.match(back?.gap ?? '', /was set back: it writes timeline 2 again, after 3/);
    // What the server that was left had archived last, and nobody had shipped.
    assert.match(back?.stray ?? '', /no sealed backup holds: 00000003[0-9A-F]{16}\./);
    for (const name of await spooled(spool)) await rm(path.join(spool, name));
    // Of now: what was saved before the restores in place has their times.
    await capture(site, wholeSeconds(Date.now()));
    const later = await insert(32);
    const next = await ship();
    assert.deepEqual([next?.gap, next?.stray], [null, null]);
    assert.deepEqual(await spooled(spool), []);
    assert.deepEqual(await rowsAt(later), [1, 11, 12, 31, 32]);
  });

  const clock = () => clockOf(server);

  /** Of a segment's size, and with its beginning. */
  async function cutOff(name: string): Promise<void> {
    const file = path.join(spool, name);
    await copyFile(path.join(server.data, 'pg_wal', name), file);
    const { size } = await stat(file);
    await truncate(file, 8192);
    await truncate(file, size);
  }
});
