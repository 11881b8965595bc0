import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { exportsOf } from '../../../model/export.ts';
import { captureExport, fill, newest, rowsOf } from '../../activities/sources/postgres/exports.ts';
import { json, mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { makeSite, type TestSite } from '../../support/site.ts';

const shown = z.looseObject({
  exports: z.array(z.looseObject({ database: z.string().nullable(), scope: z.string(), at: z.string() })),
});
const planned = z.looseObject({
  dryRun: z.literal(true),
  reference: z.string(),
  tables: z.array(z.string()),
  left: z.array(z.string()),
  steps: z.array(z.string()),
});

describe('restore --into', function () {
  this.timeout(180_000);
  let server: TestPostgres;
  let made: TestSite;
  let into: string;

  before(async () => {
    const folder = await temporaryFolder();
    const hba = ['operator', 'mosaic_restore'].map((role) => `hostssl all ${role} samehost scram-sha-256`);
    server = await startPostgres({ folder, tls: true, hba });
    await fill(server);
    await server.sql("CREATE ROLE operator SUPERUSER LOGIN PASSWORD 'secret of the operator'");
    const red = { type: 'redis', connection: { host: '127.0.0.1', port: 1 } } as const;
    made = await makeSite({ folder, sources: { db: server.config('socket', { export: {} }), red } });
    await captureExport(made.site, '2026-11-22T01:00:00Z', 'weekly', 'db');
    await captureExport(made.site, '2026-11-23T02:00:00Z', 'daily', 'db');
    into = `host=${server.socket} port=${server.port} user=postgres`;
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  function run(...args: readonly string[]) {
    return mosaicHere(['-c', made.file, ...args]);
  }

  function restore(...args: readonly string[]) {
    return run('--json', 'restore', 'latest', '--source', 'db', '--database', 'shop', ...args);
  }

  it('show lists the exports of a backup', async () => {
    const { exports } = shown.parse(JSON.parse((await run('--json', 'show', 'weekly/db/20261122')).stdout));
    assert.ok(exports.some(({ database, at }) => database === 'shop' && at.startsWith('20')));
    assert.match((await run('show', 'weekly/db/20261122')).stdout, /export of +as of/);
  });

  it('--dry-run says what would be done from the newest backup with an export, and does nothing', async () => {
    const before = await rowsOf(server, 'shop');
    const { code, stdout } = await restore('--table', 'orders', '--into', into, '--replace', '--dry-run');
    assert.equal(code, 0, stdout);
    const plan = planned.parse(JSON.parse(stdout));
    assert.equal(plan.reference, 'weekly/db/20261122T010000Z-full');
    assert.deepEqual(plan.tables, ['public.orders']);
    assert.ok(plan.left.includes('trigger touched (public.orders)'));
    assert.deepEqual(await rowsOf(server, 'shop'), before);
  });

  it('"latest" passes a damaged export over, says so, and does not call it none', async () => {
    await captureExport(made.site, '2026-11-23T03:00:00Z', 'weekly', 'db');
    const { folder, manifest } = await newest(made.site, 'db');
    await appendFile(path.join(made.site.repository, folder, exportsOf(manifest)[0]?.name ?? ''), 'damage');
    assert.equal((await run('verify', 'weekly/db/20261123T03')).code, 9);
    const none = await restore('--into', into, '--dry-run');
    assert.equal(none.code, 6);
    assert.match(
      json(none).error?.remedy ?? '',
      /verify weekly\/db\/20261122T010000Z-full/,
      'not that which is damaged',
    );
    assert.equal((await run('verify', 'weekly/db/20261122T01')).code, 0);
    const { code, stderr } = await restore('--into', into, '--replace', '--dry-run');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /newer, but not used: weekly\/db\/20261123T030000Z-full is damaged/);
    assert.match(stderr, /1 newer backup holds no export/, 'the daily one');
  });

  it('takes a password from a file, over TLS', async () => {
    const tcp = `host=127.0.0.1 port=${server.port} user=operator sslmode=verify-full sslrootcert=${server.certificate} database=copy`;
    const wrong = await restore('--into', tcp, '--password-file', server.passwords.check);
    assert.equal(wrong.code, 8);
    assert.equal(json(wrong).error?.code, 'access-denied');
    // Not: set it anew. It may be the administrator's.
    assert.match(wrong.stdout, /password of --password-file/);
    await writeFile(server.passwords.check, 'secret of the operator\n');
    const { code, stdout, stderr } = await restore('--into', tcp, '--password-file', server.passwords.check);
    assert.equal(code, 0, stdout);
    assert.doesNotMatch(stdout + stderr, /secret of/);
    assert.deepEqual(await rowsOf(server, 'copy'), await rowsOf(server, 'shop'));
  });

  it('a table or database that is not in the export is told before anything else, with the nearest or all that are', async () => {
    const near = json(await restore('--table', 'order', '--into', into));
    assert.match(near.error?.remedy ?? '', /Did you mean orders\?/);
    const far = json(await restore('--table', 'nix', '--into', into));
    assert.match(far.error?.remedy ?? '', /^It holds the tables .*public\.customers, .*public\.orders/);
    const database = json(
      await run('--json', 'restore', 'latest', '--source', 'db', '--database', 'shops', '--into', into),
    );
    assert.equal(database.error?.code, 'not-found');
    assert.match(database.error?.remedy ?? '', /Did you mean shop\?/);
  });

  it('the role that only exports is refused before anything is written, with the one that may', async () => {
    const before = await server.sql('SELECT datname FROM pg_database ORDER BY 1');
    const own = `host=${server.socket} port=${server.port} user=mosaic_export`;
    for (const args of [
      ['--into', `${own} database=fresh`],
      ['--into', own, '--table', 'orders', '--replace'],
    ]) {
      const ended = await restore(...args);
      assert.equal(ended.code, 8, ended.stdout);
      const { error } = json(ended);
      assert.equal(error?.code, 'access-denied');
      assert.match(error.message, /Role "mosaic_export" only reads/);
      assert.match(error.remedy ?? '', /user=postgres.*mosaic_restore.*infra\/roles\/postgres-restore\.sql/);
    }
    const tcp = `host=127.0.0.1 port=${server.port} sslmode=require database=fresh user=`;
    await server.sql("CREATE ROLE mosaic_restore LOGIN PASSWORD 'of the restore'");
    await writeFile(server.passwords.export, 'of the restore\n');
    const secret = ['--password-file', server.passwords.export, '--no-owner'];
    const lacking = json(await restore('--into', `${tcp}mosaic_restore`, ...secret));
    assert.match(lacking.error?.message ?? '', /Role "mosaic_restore" may not make database "fresh"/);
    assert.deepEqual(await server.sql('SELECT datname FROM pg_database ORDER BY 1'), before);
    await server.sql(await readFile(new URL('../../../infra/roles/postgres-restore.sql', import.meta.url), 'utf8'));
    const done = await restore('--into', `${tcp}mosaic_restore`, ...secret);
    assert.equal(done.code, 0, done.stdout);
    assert.deepEqual(await rowsOf(server, 'fresh'), await rowsOf(server, 'shop'));
    const own2 = tcp.replace('fresh', 'shop');
    const inside = json(await restore('--into', `${own2}mosaic_restore`, '--table', 'orders', '--replace', ...secret));
    assert.match(inside.error?.message ?? '', /Role "mosaic_restore" may make nothing in database "shop"/);
  });

  it('says of a source whose backups hold no exports what to do instead', async () => {
    for (const args of [
      ['--database', '0'],
      ['--database', '0', '--into', into],
      ['--table', 'x'],
    ]) {
      const ended = await run('--json', 'restore', 'latest', '--source', 'red', ...args);
      assert.equal(ended.code, 2, ended.stdout);
      assert.match(json(ended).error?.message ?? '', /Backups of type redis hold no exports/);
      assert.match(json(ended).error?.remedy ?? '', /to a folder \(--to\).*docs\/redis\.md.*--in-place/);
    }
  });

  it('ends with the status of each refusal', async () => {
    for (const [status, ...args] of [
      [2, '--into', into, '--to', '/nowhere'],
      [2, '--table', 'orders'],
      [2, '--into', 'password=x user=y'],
      [2, '--into', 'port=1'],
      [4, '--into', into],
      [6, '--into', into, '--table', 'nothing'],
      [8, '--into', 'host=127.0.0.1 port=1 user=postgres'],
    ] as const) {
      const { code, stdout } = await restore(...args);
      assert.equal(code, status, `${args.join(' ')}: ${stdout}`);
    }
    const daily = await run('--json', 'restore', 'daily/db/20261123', '--database', 'shop', '--into', into);
    assert.equal(daily.code, 6, daily.stdout);
    assert.equal((await run('--json', 'restore', 'latest', '--source', 'db')).code, 2);
  });
});
