import assert from 'node:assert/strict';
import { open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Site } from '../../../../activities/site.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { mariadbSource } from '../../../../model/config/source.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { testWork } from '../../../support/work.ts';
import { capture, onRestored, SOURCE } from '../../sources/mariadb/backups.ts';
import { eachArtifactDamaged, findings, prove, twoSites, withinOf } from './proving.ts';

const SCHEMA = `
  CREATE DATABASE shop; USE shop;
  CREATE TABLE orders (id int PRIMARY KEY, body text, INDEX (body(20)));
  INSERT INTO orders SELECT seq, MD5(seq) FROM seq_1_to_2000;
  CREATE TABLE notes (id int PRIMARY KEY, title varchar(40), note varchar(40), INDEX (title)) ENGINE = MyISAM ROW_FORMAT = FIXED PACK_KEYS = 0;
  INSERT INTO notes SELECT seq, CONCAT('title ', seq), CONCAT('note of ', seq) FROM seq_1_to_500;
  CREATE TABLE pairs (id int PRIMARY KEY, one varchar(20), two text); INSERT INTO pairs VALUES (1, 'ab', 'c'), (2, NULL, '');
  CREATE SEQUENCE numbers; CREATE VIEW titles AS SELECT title FROM notes; CREATE USER reader IDENTIFIED BY 'x';
  CREATE TRIGGER upper BEFORE INSERT ON pairs FOR EACH ROW SET NEW.one = UPPER(NEW.one);
  CREATE EVENT tidy ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO DELETE FROM orders WHERE id < 0;
  CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1;`;

describe('a restore test of a damaged MariaDB backup', function () {
  this.timeout(120_000);
  let folder: string;
  let server: TestMariadb;
  let reading: Site;
  let blind: Site;

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await server.sql(SCHEMA);
    const check = { password: { file: server.passwords.check } };
    const configs = { reading: server.config({ check }), blind: server.config() };
    ({ reading, blind } = await twoSites(folder, SOURCE, configs, capture));
  });

  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  const of = (site: Site) => ({ site, source: SOURCE, within: withinOf(folder) });

  it('flaw: a row changed, by a byte that nothing else tells; without the account by what the first proof found', async () => {
    const { compared } = await prove(of(reading));
    assert.ok(
      ['tables', 'rows', 'mariadb-check'].every((name) => compared.includes(name)),
      compared.join(),
    );
    const plant = async (restored: string) => {
      const rows = path.join(restored, 'shop', 'notes.MYD');
      const at = (await readFile(rows)).indexOf('note of 77');
      assert.ok(at > 0);
      await write(rows, 'Note of 77', at);
    };
    assert.match(await findings(of(reading), { plant }), /rows: .*shop\.notes \(same number of rows, other content\)/);
    const { notCompared } = await prove(of(blind));
    assert.match(notCompared.join(), /rows: rows not compared: the source has no check account/);
    assert.match(
      notCompared.join(),
      /contents: recorded for later proofs: rows by table, and what is beside them, 6 in all/,
    );
    const again = await prove(of(blind));
    assert.ok(again.compared.includes('contents'), again.notCompared.join());
    assert.match(
      await findings(of(blind), { plant }),
      /contents: rows by table, and what is beside them: 1 of 6 differ from what an earlier proof found, recorded by evidence\/\S+ at the repository: shop\.notes/,
    );
  });

  it('flaw: what one column ends with now begins the next, which CHECKSUM TABLE takes for the same', async () => {
    const plant = asSql("UPDATE shop.pairs SET one = 'a', two = 'bc' WHERE id = 1");
    assert.match(await findings(of(reading), { plant }), /rows: .*shop\.pairs \(same number of rows, other content\)/);
    await prove(of(blind));
    assert.match(await findings(of(blind), { plant }), /contents: .*differ .*: shop\.pairs/);
  });

  it('flaw: a definition, a sequence, privileges, a table too many, with an account that reads rows or without', async () => {
    for (const site of [reading, blind]) {
      await prove(of(site));
      const { compared, notCompared } = await prove(of(site));
      assert.ok(compared.includes('contents'), notCompared.join());
    }
    const flaws: readonly (readonly [sql: string, ...named: readonly string[]])[] = [
      ['DROP INDEX title ON shop.notes', 'definitions of shop'],
      ['DROP TRIGGER shop.upper', 'definitions of shop'],
      ["UPDATE mysql.proc SET body = 'RETURN 2' WHERE name = 'one'", 'definitions of shop'],
      [
        `SELECT SETVAL(shop.numbers, 500); CREATE TABLE shop.more (id int);
           UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.access', 1) WHERE User = 'reader'`,
        'values of sequences of shop',
        'accounts and privileges',
        'shop.more',
      ],
    ];
    for (const [index, [sql, ...named]] of flaws.entries()) {
      const said = await findings(of(index % 2 === 0 ? reading : blind), { plant: asSql(sql) });
      assert.match(said, /contents: .* what an earlier proof found, recorded by evidence/);
      for (const name of named) assert.ok(said.includes(name), said);
    }
  });

  it('leaves system versioned tables of a dump aside, and says so: with each load their rows are as young as that', async () => {
    await server.sql(`CREATE DATABASE old; CREATE TABLE old.prices (id int PRIMARY KEY) WITH SYSTEM VERSIONING;
      INSERT INTO old.prices VALUES (1); GRANT ALL ON *.* TO mosaic_backup@localhost`);
    const check = { password: { file: server.passwords.check } };
    const configs = {
      reading: server.config({ method: 'logical', check }),
      blind: server.config({ method: 'logical' }),
    };
    const own = await temporaryFolder();
    const dumps = await twoSites(own, SOURCE, configs, capture);
    const left = /left out: old\.prices|not compared: old\.prices/;
    for (const site of [dumps.reading, dumps.blind]) {
      await prove(of(site));
      const { compared, notCompared } = await prove(of(site));
      assert.ok(compared.includes(site === dumps.reading ? 'rows' : 'contents'), notCompared.join());
      assert.match(notCompared.join(), left);
    }
    await server.sql('DROP DATABASE old');
  });

  it('flaw: a table missing', async () => {
    const plant = async (restored: string) => {
      for (const name of ['orders.frm', 'orders.ibd']) await rm(path.join(restored, 'shop', name));
    };
    assert.match(await findings(of(blind), { plant }), /tables: .*shop\.orders/);
  });

  it('flaw: an index out of order, and a page of one that was torn', async () => {
    const exchanged = async (restored: string) => {
      const index = path.join(restored, 'shop', 'notes.MYI');
      const keys = await readFile(index);
      // Two keys of one leaf change places.
      const [one, two] = [keys.indexOf('title 101'), keys.indexOf('title 102')];
      assert.ok(one > 0 && two > 0);
      await write(index, 'title 102', one);
      await write(index, 'title 101', two);
    };
    assert.match(await findings(of(blind), { plant: exchanged }), /mariadb-check: .*shop\.notes/);
    const torn = async (restored: string) => {
      const file = path.join(restored, 'shop', 'orders.ibd');
      // In a leaf of the second index, which is what the file ends with.
      const { size } = await stat(file);
      const pages = await readFile(file);
      const at = pages.lastIndexOf(/[0-9a-f]{20}/.exec(pages.subarray(size / 2).toString('latin1'))?.[0] ?? '');
      await write(file, 'x', at);
    };
    assert.match(await findings(of(blind), { plant: torn }), /shop.orders/);
  });

  it('flaw: of each artifact, one that is cut off and one that is missing', async () => {
    const [backup] = await listBackups(repositoryStore(blind.repository));
    assert.ok(backup);
    await eachArtifactDamaged(of(blind), backup);
  });

  it('asks the probes of the config, and what is answered otherwise, late or not at all is named', async () => {
    const probed = (probes: object) => ({
      change: { probes: mariadbSource.parse({ type: 'mariadb', probes }).probes },
    });
    const right = [
      { name: 'orders', query: 'SELECT COUNT(*) FROM shop.orders', expect: 2000 },
      { query: 'SELECT id, note FROM notes WHERE id = 7', database: 'shop', expect: '7\tnote of 7' },
      {
        command: [
          'sh',
          '-c',
          `test "$(mariadb --socket="$MYSQL_UNIX_PORT" -N -e 'SELECT COUNT(*) FROM shop.orders')" = 2000`,
        ],
      },
    ];
    const { compared, notCompared } = await prove(of(blind), probed(right));
    assert.equal(compared.filter((name) => name.startsWith('probe: ')).length, right.length, notCompared.join('\n'));
    const wrong = await findings(
      of(blind),
      probed([
        { name: 'a', query: 'SELECT COUNT(*) FROM shop.orders', expect: { max: 1999 } },
        { name: 'b', query: 'SELECT SLEEP(60)', expect: 0, timeout: '500ms' },
        { name: 'c', query: 'how many?', expect: { matches: '.' } },
        { name: 'd', query: 'DELETE FROM shop.notes', expect: '' },
        { name: 'e', query: 'DROP TABLE shop.orders', expect: '' },
      ]),
    );
    for (const named of [
      /probe: a: 2000, more than 1999/,
      /probe: b: no answer within 0\.5s/,
      /probe: c: .*SQL syntax/,
      /probe: d: .*READ ONLY transaction/,
      /probe: e: .*READ ONLY transaction/,
    ])
      assert.match(wrong, named);
  });
});

function asSql(sql: string): (restored: string) => Promise<void> {
  return (restored) =>
    onRestored(restored, async (connection) => void (await run(connection, sql, { signal: testWork().signal })));
}

async function write(file: string, text: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.from(text), 0, text.length, at);
  await handle.close();
}
