import assert from 'node:assert/strict';
import { open, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { copyBackup } from '../../../../activities/operations/copy.ts';
import type { Site } from '../../../../activities/site.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { postgresSource } from '../../../../model/config/source.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, onRestored, SOURCE } from '../../sources/postgres/backups.ts';
import { eachArtifactDamaged, findings, prove, twoSites, withinOf } from './proving.ts';

describe('a restore test of a damaged PostgreSQL backup', function () {
  this.timeout(120_000);
  let folder: string;
  let server: TestPostgres;
  let reading: Site;
  let blind: Site;
  /** File of the table `page`, below the data folder. */
  let heap: string;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder });
    await server.stop();
    // What a page's checksum catches is told by it; here is to be seen what nothing else tells.
    const program = path.join(server.binaries.folder, 'pg_checksums');
    const user = await serverUser();
    await runProgram({ command: program, args: ['--disable', '-D', server.data], cwd: '/', ...(user && { user }) });
    await server.start();
    await server.sql(`CREATE TABLE page (id int PRIMARY KEY, title text, body text);
      INSERT INTO page SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'B' END || i, 'body of page ' || i FROM generate_series(1, 300) AS i;
      CREATE INDEX by_title ON page (title COLLATE "C");
      CREATE TABLE other (id int); CREATE SEQUENCE numbers; SELECT lo_from_bytea(4242, 'hello');
      CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE ROLE reader`);
    const [row] = await server.sql("SELECT pg_relation_filepath('page') AS file");
    heap = String(row?.['file']);
    const configs = { reading: server.config('socket', { check: {} }), blind: server.config('socket') };
    ({ reading, blind } = await twoSites(folder, SOURCE, configs, capture));
  });

  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  const of = (site: Site) => ({ site, source: SOURCE, within: withinOf(folder) });
  const asSql = (sql: string) => (restored: string) =>
    onRestored(
      { data: restored, binaries: server.binaries.folder, settings: { allow_system_table_mods: 'on' } },
      (session) => session.run(sql),
    );

  it('holds before anything is planted; without the role that reads rows it says beforehand that they were not compared', async () => {
    const { compared } = await prove(of(reading));
    assert.ok(
      ['relations', 'rows', 'amcheck', 'dump'].every((name) => compared.includes(name)),
      compared.join(),
    );
    const without = await prove(of(blind));
    assert.ok(!without.compared.includes('rows'));
    assert.match(without.notCompared.join(), /rows: rows not compared: the source has no check role/);
    assert.match(
      without.notCompared.join(),
      /contents: recorded for later proofs: rows by table, and what is beside them, 9 in all/,
    );
    assert.ok(!without.compared.includes('contents') && !compared.includes('contents'));
    const again = await prove(of(blind));
    assert.ok(again.compared.includes('contents'), again.notCompared.join());
  });

  it('flaw: a row changed, by a byte that nothing else tells', async () => {
    const plant = (restored: string) => replaceIn(path.join(restored, heap), 'body of page 77', 'Body of page 77');
    assert.match(await findings(of(reading), { plant }), /rows: .*page \(same number of rows, other content\)/);
    // Without digests of the source by what the first proof found, which is named.
    assert.match(
      await findings(of(blind), { plant }),
      /contents: rows by table, and what is beside them: 1 of 9 differ from what an earlier proof found, recorded by evidence\/\S+-test\.json at the repository: postgres\.public\.page/,
    );
    // Nor has the damage become the record.
    assert.ok((await prove(of(blind))).compared.includes('contents'));
  });

  it('flaw: a definition, a sequence, a large object, a role or a table too many, with a role that reads rows or without', async () => {
    for (const site of [reading, blind]) {
      await prove(of(site));
      const { compared, notCompared } = await prove(of(site));
      assert.ok(compared.includes('contents'), notCompared.join());
    }
    const flaws: readonly (readonly [sql: string, ...named: readonly string[]])[] = [
      ["CREATE OR REPLACE FUNCTION public.one() RETURNS int LANGUAGE sql AS 'SELECT 2'", 'definitions of postgres'],
      [
        `SELECT setval('public.numbers', 500); SELECT lo_put(4242, 0, 'jello'); ALTER ROLE reader CREATEROLE;
           CREATE TABLE public.more (id int)`,
        'values of sequences of postgres',
        'large objects of postgres',
        'roles',
        'postgres.public.more',
      ],
    ];
    for (const [sql, ...named] of flaws) {
      // A server that was opened for writing comes to no moment any more, at which the other was compared.
      const said = await findings(of(blind), { plant: asSql(sql) });
      assert.match(said, /contents: .* what an earlier proof found, recorded by evidence/);
      for (const name of named) assert.ok(said.includes(name), said);
    }
  });

  it('of another place compares with what was recorded here, without the role that reads rows', async () => {
    const catalogue = await listed(blind);
    const backup = catalogue[0] ?? assert.fail('no backup');
    const [from, to] = [repositoryStore(blind.repository), openDestination('vault', blind)];
    await copyBackup({ site: blind, backup, catalogue, from, to, work: testWork() });
    const said = await findings(of(blind), { plant: asSql("UPDATE public.page SET body = 'x' WHERE id = 7") });
    assert.match(
      said,
      / from vault did not restore as it was: .*recorded by \S+ at the repository: postgres\.public\.page/,
    );
    // Back at that place when its turn comes again: the damage was not the copy's.
    const { compared } = await prove({ ...of(blind), place: 'vault' });
    assert.ok(compared.includes('contents'), compared.join());
  });

  it('flaw: a table missing, by name and by its file', async () => {
    const dropped = await findings(of(blind), { plant: asSql('DROP TABLE public.page') });
    assert.match(dropped, /relations: .*public\.page/);
    const lost = await findings(of(blind), { plant: (restored) => rm(path.join(restored, heap)) });
    assert.match(lost, /could not open file/);
    assert.match(lost, /page/);
  });

  it('flaw: an index out of order, as another version of a C library leaves it', async () => {
    const other = `(SELECT oid::text::oidvector FROM pg_collation WHERE collname = 'und-x-icu')`;
    const plant = asSql(`UPDATE pg_index SET indcollation = ${other} WHERE indexrelid = 'public.by_title'::regclass`);
    assert.match(await findings(of(blind), { plant }), /amcheck: .*by_title/);
  });

  it('flaw: a WAL segment missing, in what was restored', async () => {
    const plant = async (restored: string) => {
      const wal = path.join(restored, 'pg_wal');
      const segments = (await readdir(wal)).filter((name) => /^[0-9A-F]{24}$/.test(name));
      assert.notEqual(segments.length, 0);
      for (const segment of segments) await rm(path.join(wal, segment));
    };
    assert.match(await findings(of(blind), { plant }), /start: .*checkpoint record/s);
  });

  it('flaw: of each artifact, one that is cut off and one that is missing', async () => {
    const [backup] = await listed(reading);
    assert.ok(backup);
    const artifacts = backup.manifest.artifacts.map(({ name }) => name);
    assert.ok(
      artifacts.some((name) => name.includes('wal')),
      'the WAL that it needs is one of them',
    );
    await eachArtifactDamaged(of(reading), backup);
  });

  it('asks the probes of the config, and what is answered otherwise, late or not at all is named', async () => {
    const probed = (probes: object) => ({
      change: { probes: postgresSource.parse({ type: 'postgres', probes }).probes },
    });
    const right = [
      { name: 'pages', query: 'SELECT count(*) FROM page', expect: 300 },
      { query: 'SELECT max(id) FROM page', expect: { min: 300 } },
      { query: 'SELECT title FROM page ORDER BY id LIMIT 2', expect: 'B1\na2' },
      { command: ['sh', '-c', `test "$(psql -XAtc 'SELECT count(*) FROM page')" = 300`] },
    ];
    const { compared, notCompared } = await prove(of(blind), probed(right));
    assert.equal(compared.filter((name) => name.startsWith('probe: ')).length, right.length, notCompared.join('\n'));
    const wrong = await findings(
      of(blind),
      probed([
        { name: 'a', query: 'SELECT count(*) FROM page', expect: '301' },
        { name: 'b', query: 'SELECT pg_sleep(60)', expect: '', timeout: '500ms' },
        { name: 'c', query: 'how many pages?', expect: { min: 1 } },
        { name: 'd', query: 'DELETE FROM page', expect: '' },
        { name: 'e', query: "SELECT 'x'", expect: { max: 1 } },
        { name: 'f', query: 'SELECT 1', database: 'nowhere', expect: 1 },
      ]),
    );
    for (const named of [
      /probe: a: 300, not 301/,
      /probe: b: no answer within 0\.5s/,
      /probe: c: .*syntax error at or near "how"/,
      /probe: d: .*cannot execute DELETE in a read-only transaction/,
      /probe: e: x, which is no number/,
      /probe: f: .*nowhere/,
    ])
      assert.match(wrong, named);
    assert.deepEqual(await readdir(withinOf(folder)), []);
  });
});

/** The first place, in a file. */
async function replaceIn(file: string, text: string, by: string): Promise<void> {
  const at = (await readFile(file)).indexOf(text);
  assert.ok(at >= 0 && text.length === by.length);
  const handle = await open(file, 'r+');
  await handle.write(Buffer.from(by), 0, by.length, at);
  await handle.close();
}
