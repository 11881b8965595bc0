import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Site } from '../../../../activities/site.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../../../support/managed-postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { capture, listed, ship as shipAt, SOURCE } from './backups.ts';
import { planInPlace, restoreInPlace } from '../../../../activities/operations/in-place/index.ts';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { isBackupError } from '../../../support/errors.ts';
import { inPlace, requestOf } from '../../operations/in-place/requests.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { insertRow, recoverTo, rowsIn } from './recoveries.ts';

describe('restores in place of a PostgreSQL source', function () {
  let folder: string;
  let server: ManagedPostgres;
  let site: Site;
  this.timeout(240_000);
  const scheduled = scheduledTimes();
  let restores = 0;

  beforeEach(async () => {
    folder = await temporaryFolder();
    server = await startManaged({ folder });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
  });
  afterEach(() => server?.end());
  after(cleanUp);

  const full = () => capture(site, scheduled());
  const ship = () => shipAt(site, scheduled());

  const insert = (id: number) => insertRow(server, id);

  async function rows(): Promise<readonly number[]> {
    return (await server.sql('SELECT id FROM t ORDER BY id')).map(({ id }) => Number(id));
  }

  async function timeline(): Promise<number> {
    const [row] = await server.sql(`SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS name`);
    return Number.parseInt(String(row?.['name']), 16);
  }

  /** Restores to a target in a folder, starts a server on it, and says which rows it has. */
  async function rowsAt(at: string): Promise<readonly number[]> {
    const to = path.join(folder, `restored-${restores++}`);
    await recoverTo({ site, to, at });
    return rowsIn(to, server.binaries.folder, true);
  }

  it('P54 two restores in place in a row, then shipping and PITR work, to times before, between and after them', async () => {
    // Whoever is not kept away goes on writing to the last moment: long after what was shipped last.
    const psql = [path.join(server.binaries.folder, 'psql'), '-h', server.socket, '-p', String(server.port)].join(' ');
    const write = `${psql} -U postgres -d postgres -qc 'INSERT INTO t SELECT max(id) + 1 FROM t' && exec "$@"`;
    const stop = ['sh', '-c', write, 'sh', ...server.inPlace.stop];
    const config = { ...server.config(), inPlace: { ...server.inPlace, stop } };
    ({ site } = await makeSite({ folder: await temporaryFolder(), sources: { [SOURCE]: config } }));
    await ship();
    await full();
    const one = await insert(1);
    await insert(2);
    await ship();
    const base = (await listed(site)).find(({ manifest }) => manifest.kind === 'full');
    await insert(3);

    await inPlace(site, { at: one });
    assert.deepEqual(await rows(), [1]);
    assert.equal(await timeline(), 2);
    const eleven = await insert(11);
    await insert(12);
    await ship();

    // From the very same backup, which knows nothing of timeline 2.
    await inPlace(site, { at: one, from: base });
    assert.deepEqual(await rows(), [1]);
    assert.equal(await timeline(), 3);
    const last = await insert(21);
    assert.equal((await ship())?.gap, null);
    await insert(22);
    assert.equal((await ship())?.gap, null);

    const [first, second, ...more] = await tails();
    assert.ok(first && second && more.length === 0);
    assert.deepEqual(
      await rowsAt(first),
      [1, 2, 3, 4],
      'before the first, up to what was saved from the stopped server',
    );
    assert.deepEqual(await rowsAt(second), [1, 11, 12, 13], 'before the second, likewise');
    assert.deepEqual(await rowsAt(one), [1]);
    assert.deepEqual(await rowsAt(eleven), [1, 11], 'between the two');
    assert.deepEqual(await rowsAt(last), [1, 21], 'after the second');
    assert.deepEqual(await rowsAt('end'), [1, 21, 22]);
    const kept = (await readdir(folder)).filter((name) => name.startsWith('data.'));
    assert.equal(kept.filter((name) => name.startsWith('data.before-')).length, 2, kept.join());
    assert.equal(kept.length, 2, kept.join());
    const remembered = await readdir(path.join(site.state, 'sources', SOURCE));
    assert.ok(!remembered.includes('slot-lost.json'), 'a restore knows of no slot: that is no loss to alert of');
  });

  it('to the very end: the configuration is the present one, and what is shipped afterwards begins anew', async () => {
    await ship();
    await full();
    await insert(1);
    await ship();
    await server.sql(`ALTER SYSTEM SET work_mem = '7MB'`);
    await inPlace(site, { at: 'end' });
    assert.deepEqual(await rows(), [1]);
    assert.deepEqual(await server.sql('SHOW work_mem'), [{ work_mem: '7MB' }]);
    const positions = (await listed(site))
      .filter(({ manifest }) => manifest.kind === 'logs')
      .map(({ manifest }) => logsPosition.parse(manifest.position));
    const [first, ...more] = positions
      .filter((position) => position.timeline === 2)
      .toSorted((a, b) => a.endLsn.localeCompare(b.endLsn));
    // It lies right behind what the old timeline was shipped up to, which may go on differently there.
    assert.match(first?.gap ?? '', /restored in place/);
    assert.ok(more.every(({ gap }) => gap === null));
    assert.deepEqual(await rowsAt('end'), [1]);
  });

  it('without a server, without data: what is there is enough', async () => {
    await ship();
    await full();
    await server.stop();
    await rm(server.data, { recursive: true });
    const told: string[] = [];
    await inPlace(site, { told });
    assert.deepEqual(await rows(), []);
    assert.match(told.join('\n'), /starting the server/);
    assert.equal(await timeline(), 2);
  });

  it('of a crashed server saves what it had written, and of a damaged one nothing unless that is accepted', async () => {
    await ship();
    await full();
    await server.sql('INSERT INTO t VALUES (1)');
    await server.stop('immediate');
    await inPlace(site);
    assert.deepEqual(await rows(), []);
    const [tail = ''] = await tails();
    assert.deepEqual(await rowsAt(tail), [1]);

    await server.stop('immediate');
    const wal = path.join(server.data, 'pg_wal');
    for (const name of await readdir(wal)) if (/^[0-9A-F]{24}$/.test(name)) await writeFile(path.join(wal, name), '');
    await isBackupError(inPlace(site), 'verification-failed');
    const request = { ...(await requestOf(site, {})), acceptUnsaved: true };
    await restoreInPlace(request, await planInPlace(request));
    assert.equal(await timeline(), 4, 'the number of the one that was taken back is taken too');
  });

  /** Until when each tail that a stopped server left covers, the first one first. */
  async function tails(): Promise<readonly string[]> {
    const found = (await listed(site)).filter(({ manifest }) => manifest.position?.['tail'] !== undefined);
    return found.map(({ manifest }) => manifest.coversUntil ?? '').toSorted();
  }
});
