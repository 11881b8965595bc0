import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { LAUNCHER, mosaicHere } from '../../../support/command-line.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { SOURCE } from './backups.ts';
import { captureExport, fill, rowsOf } from './exports.ts';

describe('a restore into a running PostgreSQL server that is killed', function () {
  this.timeout(180_000);
  let server: TestPostgres;
  let made: TestSite;

  before(async () => {
    const folder = await temporaryFolder();
    server = await startPostgres({ folder });
    await fill(server);
    made = await makeSite({ folder, sources: { [SOURCE]: server.config('socket', { export: {} }) } });
    await captureExport(made.site, '2026-11-22T01:00:00Z');
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  function command(table: string): readonly string[] {
    const what = ['restore', 'latest', '--source', SOURCE, '--database', 'shop', '--table', table, '--replace'];
    return ['-c', made.file, ...what, '--into', `host=${server.socket} port=${server.port} user=postgres`];
  }

  async function clients(): Promise<readonly unknown[]> {
    return server.sql(
      "SELECT pid FROM pg_stat_activity WHERE application_name ~ '^mosaic-backup restore [0-9a-f]{12}$' AND datname = 'shop'",
    );
  }

  it('P40 leaves the table as it was, and nobody who goes on; the next attempt succeeds', async () => {
    await server.sql('UPDATE notes SET id = 7', 'shop');
    const before = await rowsOf(server, 'shop');
    // A reader in a transaction: the restore comes as far as wanting the table for itself.
    const reader = await server.client('shop');
    await reader.query('BEGIN; SELECT * FROM notes');
    const child = spawn(LAUNCHER, command('notes'), { stdio: 'ignore' });
    await until(
      'it waits for the table',
      async () =>
        (await server.sql("SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'", 'shop')).length >
        0,
      30_000,
    );
    assert.equal((await clients()).length, 1, 'an attempt after it would know its session');
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The server looks whether its client is still there, also while it waits for somebody else.
    await until('nobody is left', async () => (await clients()).length === 0, 30_000);
    await reader.query('COMMIT');
    await reader.end();
    assert.deepEqual(await rowsOf(server, 'shop'), before);
    const { code, stderr } = await mosaicHere(command('notes'));
    assert.equal(code, 0, stderr);
    assert.notDeepEqual(await rowsOf(server, 'shop'), before);
  });
});
