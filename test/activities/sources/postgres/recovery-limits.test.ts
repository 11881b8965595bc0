/** What a recovery must not do: go past a hole, past an outage, before the backup's end, or into anybody's archive. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { recoverySettings } from '../../../../activities/sources/postgres/replay.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { giveTo } from '../../../../activities/sources/private-server/user.ts';
import type { Site } from '../../../../activities/site.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, smallFileSystem, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, prove, reader, ship as shipAt, SOURCE } from './backups.ts';
import { insertRow, recoverTo, rowsIn } from './recoveries.ts';

describe('a recovery of a PostgreSQL source', () => {
  let folder: string;
  let archive: string;
  let server: TestPostgres;
  let site: Site;
  const scheduled = scheduledTimes();
  let restores = 0;

  beforeEach(async () => {
    folder = await temporaryFolder();
    archive = await temporaryFolder();
    await giveTo(await serverUser(), archive, new AbortController().signal);
    const settings = { synchronous_commit: 'on', archive_mode: 'on', archive_command: `cp "%p" "${archive}/%f"` };
    server = await startPostgres({ folder, settings });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
  });
  afterEach(() => server.stop());
  after(cleanUp);

  const full = () => capture(site, scheduled());
  const ship = () => shipAt(site, scheduled());

  const insert = (id: number) => insertRow(server, id);

  async function restoreTo(at: string): Promise<string> {
    const to = path.join(folder, `restored-${restores++}`);
    await recoverTo({ site, to, at });
    return to;
  }

  it('P03 from logs that lack a segment which they name fails before any start', async () => {
    await ship();
    await full();
    await insert(1);
    for (let round = 0; round < 2; round++) await server.sql('SELECT txid_current(); SELECT pg_switch_wal()');
    await insert(2);
    await ship();
    const { chain, logs: needed } = planRecovery({
      catalogue: await listed(site),
      source: SOURCE,
      target: { kind: 'end' },
    });
    const [whole, ...more] = await Promise.all(needed.map((member) => reader(site, member)));
    assert.ok(whole && more.length === 0);
    const segments = Object.keys(logsPosition.parse(whole.manifest.position).segments).toSorted();
    const middle = segments[1] ?? assert.fail(segments.join());
    const scratch = await temporaryFolder();
    const lacking: BackupReader = {
      ...whole,
      async into(role, name, consumer) {
        await whole.into(role, name, consumer);
        await rm(path.join(scratch, 'mosaic-replay', 'wal', middle));
      },
    };
    const restored = postgres.restore({
      source: SOURCE,
      work: testWork(),
      chain: await Promise.all(chain.map((member) => reader(site, member))),
      scratch,
      paths: [],
      replay: { logs: [lacking], target: { kind: 'end' } },
    });
    const error = await isBackupError(restored, 'verification-failed');
    assert.match(error.message, new RegExp(`lack what they say they hold: ${middle}`));
    await assert.rejects(access(path.join(scratch, 'recovery.signal')), { code: 'ENOENT' });
  });

  it('P04 to a time while the backup was taken is refused: PostgreSQL would recover to another one', async () => {
    await ship();
    const slow = { ...site.config, sources: { [SOURCE]: server.source('socket', { limits: { maxRate: '8MiB' } }) } };
    const capturing = capture({ ...site, config: slow }, scheduled());
    capturing.catch(() => undefined);
    await until('it is read', async () => {
      const found = await server.sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'walsender'");
      return found.length > 0;
    });
    const during = await insert(1);
    await capturing;
    const later = await insert(2);
    await ship();
    const error = await isBackupError(restoreTo(during), 'refused');
    assert.match(error.message, /it ended at .*, after that time/);
    assert.deepEqual(await rowsIn(await restoreTo(later), server.binaries.folder), [1, 2]);
  });

  it('P05 takes for the end of WAL only what is not there: what cannot be copied stops it', async () => {
    const wal = await temporaryFolder();
    await writeFile(path.join(wal, '000000010000000000000002'), 'a segment');
    const { restore_command: command = '' } = recoverySettings(wal, 1);
    /** As PostgreSQL runs it. */
    async function run(name: string, to: string): Promise<number | null> {
      const [code] = await once(spawn('sh', ['-c', command.replaceAll('%f', name).replaceAll('%p', to)]), 'exit');
      return z.number().parse(code);
    }
    const into = path.join(wal, 'RECOVERYXLOG');
    assert.equal(await run('000000010000000000000003', into), 1);
    assert.equal(await run('000000010000000000000002', into), 0);
    assert.equal(await readFile(into, 'utf8'), 'a segment');
    // Above 125 PostgreSQL gives up; anything below it takes for the end of WAL.
    const code = await run('000000010000000000000002', path.join(wal, 'nowhere', 'RECOVERYXLOG'));
    assert.ok((code ?? 0) > 125, String(code));
  });

  it('says so where the disk fills up while logs are replayed, and leaves nothing', async () => {
    await ship();
    await full();
    // Copied within the server: a few records of WAL for each page that the replay has to write.
    await server.sql(
      'CREATE TABLE large AS SELECT repeat(md5(i::text), 60) AS body FROM generate_series(1, 25000) AS i',
    );
    await ship();
    const small = await smallFileSystem('125m');
    const error = await isBackupError(recoverTo({ site, to: path.join(small, 'restored'), at: 'end' }), 'no-space');
    assert.match(error.message, /^No space was left for the replay of the logs/);
    assert.deepEqual(await readdir(small), []);
  });

  it('P08 adds nothing to any archive, nor does a check, and both run nothing that production configured', async () => {
    // In both files of the data folder, which are restored with it.
    await appendFile(
      path.join(server.data, 'postgresql.conf'),
      `archive_mode = on\narchive_command = 'touch ${archive}/by-conf'\n`,
    );
    await server.sql("ALTER SYSTEM SET archive_mode = 'on'");
    await server.sql(`ALTER SYSTEM SET archive_command = 'touch ${archive}/by-auto-conf'`);
    await server.sql(`ALTER SYSTEM SET recovery_end_command = 'touch ${archive}/at-the-end'`);
    await ship();
    await full();
    await insert(1);
    await ship();
    // It archives what it has left as it ends, and nothing after that.
    await server.stop();
    const before = await readdir(archive);
    assert.ok(before.length > 0);
    const data = await restoreTo('end');
    const backup = (await listed(site)).find(({ manifest }) => manifest.kind === 'full');
    assert.ok(backup);
    assert.equal((await prove(site, backup, path.join(folder, 'proof'))).get('start')?.ok, true);
    assert.deepEqual(await readdir(archive), before);
    // Nothing waits to be archived by whoever starts it, either.
    const waiting = await readdir(path.join(data, 'pg_wal', 'archive_status'));
    assert.deepEqual(
      waiting.filter((name) => name.endsWith('.ready')),
      [],
    );
  });
});
