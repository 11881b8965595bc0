import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Site } from '../../../../activities/site.ts';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { captureNow, restoreNewest, restoreToEnd, serveRestored, shipNow } from '../served.ts';

const ROLE = new URL('../../../../infra/roles/mariadb-canary.sql', import.meta.url);
const PASSWORD = 'sings"every\\day';

describe('the canary of a MariaDB source', () => {
  let folder: string;
  let server: TestMariadb;
  let site: Site;
  let canary: { readonly password: { readonly file: string } };

  before(async () => {
    folder = await temporaryFolder();
    const own = path.join(folder, 'production');
    await mkdir(own, { mode: 0o755 });
    server = await startMariadb({ folder: own });
    await server.sql('CREATE DATABASE shop; CREATE TABLE shop.orders (id int PRIMARY KEY)');
    const file = path.join(folder, 'canary.password');
    await writeFile(file, PASSWORD, { mode: 0o600 });
    canary = { password: { file } };
    ({ site } = await makeSite({ folder, sources: { db: server.config({ canary }) } }));
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  function context() {
    const state = path.join(folder, 'state');
    return { source: 'db', config: server.source({ canary }), work: testWork(), readSecret: site.readSecret, state };
  }

  async function finding() {
    return (await mariadb.preflight(context())).find(({ code }) => code === 'mariadb.canary');
  }

  const beat = () => mariadb.beat?.(context()) ?? assert.fail('the type has a canary');
  const rows = (where: string) => server.sql(`SELECT COUNT(*) FROM mosaic_backup_canary.beats WHERE ${where}`);

  it('is missed by doctor, with the command that makes it, and stops no backup', async () => {
    const found = await finding();
    assert.equal(found?.severity, 'warning');
    assert.match(found.remedy ?? '', /^mariadb < infra\/roles\/mariadb-canary\.sql/);
  });

  it('writes rows by the server’s clock, keeps those of a day, and may do nothing else', async () => {
    for (let turn = 0; turn < 2; turn += 1) await server.sql(await readFile(ROLE, 'utf8'));
    await server.sql(`ALTER USER mosaic_canary@localhost IDENTIFIED BY '${PASSWORD.replaceAll('\\', '\\\\')}'`);
    assert.equal(await finding(), undefined);
    await server.sql(
      `INSERT INTO mosaic_backup_canary.beats VALUES (UTC_TIMESTAMP(6) - INTERVAL 25 HOUR), (UTC_TIMESTAMP(6) - INTERVAL 23 HOUR)`,
    );
    await beat();
    assert.deepEqual(await rows('at < UTC_TIMESTAMP(6) - INTERVAL 24 HOUR'), ['0']);
    assert.deepEqual(await rows('at > UTC_TIMESTAMP(6) - INTERVAL 1 HOUR'), ['2'], 'one by preflight, one by itself');
    assert.deepEqual(await rows('at < UTC_TIMESTAMP(6) - INTERVAL 1 HOUR'), ['1']);

    const connection = { ...server.connection(), user: 'mosaic_canary', password: PASSWORD };
    for (const denied of [
      'SELECT * FROM shop.orders',
      'INSERT INTO shop.orders VALUES (1)',
      'CREATE TABLE mosaic_backup_canary.mine (id int)',
      'CREATE TABLE test.mine (id int)',
      'CREATE DATABASE mine',
      'CREATE USER mine',
      'UPDATE mosaic_backup_canary.beats SET at = UTC_TIMESTAMP()',
      'TRUNCATE mosaic_backup_canary.beats',
      'DROP TABLE mosaic_backup_canary.beats',
      'ALTER TABLE mosaic_backup_canary.beats ADD COLUMN more text',
      'GRANT SELECT ON mosaic_backup_canary.beats TO mosaic_check@localhost',
      'SELECT * FROM mysql.global_priv',
      "SELECT 1 INTO OUTFILE '/tmp/mine'",
      'SHOW BINARY LOGS',
    ]) {
      const error = await isBackupError(run(connection, denied, { signal: testWork().signal }), 'access-denied');
      assert.match(String(error.facts['answer']), /denied/, denied);
    }
    const visible = await run(connection, 'SHOW DATABASES', { signal: testWork().signal });
    assert.deepEqual(visible.toSorted(), ['information_schema', 'mosaic_backup_canary']);
  });

  it('tells how new it is what a recovery brings back, and by the binary logs when the last transaction was', async () => {
    await captureNow(site, '2026-03-01T02:00:00Z');
    await beat();
    const [shipped = ''] = await server.sql('SELECT MAX(at) FROM mosaic_backup_canary.beats');
    await shipNow(site, '2026-03-01T02:05:00Z');
    await beat();
    const data = path.join(folder, 'recovered');
    await restoreToEnd(site, data);
    const service = await serveRestored(site, data, `${data}.run`);
    try {
      const [byCanary, byCommit, ...more] = await service.newest(testWork());
      assert.deepEqual(more, []);
      assert.deepEqual(byCanary, { by: 'canary', time: new Date(at(shipped)).toISOString() });
      assert.equal(byCommit?.by, 'commit');
      // Whole seconds, at whose begin the statement may have begun; the sweep behind the row deletes none.
      const behind = Date.parse(byCommit.time) - Math.floor(at(shipped) / 1000) * 1000;
      assert.ok(behind === 0 || behind === -1000, `${behind} ms`);
    } finally {
      await service.stop();
    }
    const alone = path.join(folder, 'alone');
    await restoreNewest(site, alone);
    const without = await serveRestored(site, alone, `${alone}.run`);
    try {
      const newest = await without.newest(testWork());
      assert.deepEqual(
        newest.map(({ by }) => by),
        ['canary'],
        'nothing tells of the last commit',
      );
      assert.ok(Date.parse(newest[0]?.time ?? '') < at(shipped));
    } finally {
      await without.stop();
    }
  });
});

function at(time: string): number {
  return Date.parse(`${time.replace(' ', 'T')}Z`);
}
