/** A restore of a whole database into a running MariaDB server, cut off in its middle: MariaDB cannot take it back. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { json, LAUNCHER, mosaicHere } from '../../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { SOURCE } from './backups.ts';
import { captureExport } from './exports.ts';

const SCHEMA = `
  CREATE DATABASE shop; USE shop;
  CREATE TABLE a_first (id INT PRIMARY KEY); INSERT INTO a_first VALUES (1);
  CREATE TABLE ballast AS SELECT seq AS id, REPEAT(MD5(seq), 6) AS body FROM seq_1_to_250000`;

describe('a restore of a database into a running MariaDB server that is killed', function () {
  this.timeout(180_000);
  let server: TestMariadb;
  let made: TestSite;

  before(async () => {
    const folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await server.sql(SCHEMA);
    const config = server.config({ export: { password: { file: server.passwords.export }, rows: false } });
    made = await makeSite({ folder, sources: { [SOURCE]: config } });
    await captureExport(made.site);
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  function command(...args: readonly string[]): readonly string[] {
    const into = `socket=${server.connection().socket ?? ''} user=${userInfo().username} database=copy`;
    const what = ['restore', 'latest', '--source', SOURCE, '--database', 'shop', '--into', into];
    return ['-c', made.file, '--json', ...what, ...args];
  }

  async function tables(): Promise<readonly string[]> {
    return server.sql("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'copy' ORDER BY 1");
  }

  const comment = () =>
    server.sql(`SELECT CONCAT('"', SCHEMA_COMMENT, '"') FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'copy'`);
  const clients = () => server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE DB = 'copy'");

  /** Kills one in its middle. @param meanwhile what is done while it works. */
  async function killed(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    const child = spawn(LAUNCHER, command(), { stdio: 'ignore' });
    const exited = once(child, 'exit');
    await until('it has begun with the second table', async () => (await tables()).includes('ballast'), 60_000);
    await meanwhile();
    child.kill('SIGKILL');
    await exited;
    await until('nobody goes on', async () => (await clients()).length === 0, 60_000);
  }

  it('leaves a database that says that it is not whole; the next attempt knows whose it is, and makes it anew when told to', async () => {
    await killed(async () => {
      const beside = await mosaicHere(command('--replace'));
      assert.equal(beside.code, 7, beside.stdout);
      assert.match(json(beside).error?.message ?? '', /Another restore is at work in "copy"/);
    });
    assert.ok((await tables()).includes('a_first'), 'it was killed in its middle');
    assert.match((await comment())[0] ?? '', /not whole, restoring weekly\/db\/\S+ since \d{4}-/);

    const again = await mosaicHere(command());
    assert.equal(again.code, 4, again.stdout);
    const { error } = json(again);
    assert.equal(error?.code, 'not-empty');
    assert.match(
      error.message,
      /"copy" is not whole: it is what a restore of weekly\/db\/\S+, begun at \S+ and cut off, left/,
    );
    assert.match(error.remedy ?? '', /--replace/);

    const before = await tables();
    const planned = await mosaicHere(command('--replace', '--dry-run'));
    assert.match(planned.stdout, /drop \\"copy\\", what a restore of weekly/);
    assert.deepEqual(await tables(), before);

    const done = await mosaicHere(command('--replace'));
    assert.equal(done.code, 0, done.stdout);
    assert.deepEqual(await comment(), ['""']);
    assert.deepEqual(await server.sql('SELECT COUNT(*) FROM copy.ballast'), ['250000']);
    // Whole, it is somebody's: --replace does not remove it.
    assert.equal((await mosaicHere(command('--replace'))).code, 4);
    await server.sql('DROP DATABASE copy');
  });

  it('marks an empty database that is there too, and gives it its own comment back in the end', async () => {
    await server.sql("CREATE DATABASE copy CHARACTER SET latin1 COMMENT 'it''s mine'");
    await killed();
    assert.match((await comment())[0] ?? '', /not whole/);
    await server.sql("DROP DATABASE copy; CREATE DATABASE copy CHARACTER SET latin1 COMMENT 'it''s mine'");
    assert.equal((await mosaicHere(command())).code, 0);
    assert.deepEqual(await comment(), [`"it's mine"`]);
    await server.sql('DROP DATABASE copy');
  });

  it('leaves nothing where it fails, and an empty database as it was', async () => {
    await server.sql("CREATE DATABASE copy CHARACTER SET latin1 COMMENT 'mine'");
    const child = spawn(LAUNCHER, command(), { stdio: 'ignore' });
    const exited = once(child, 'exit');
    await until('it works', async () => (await tables()).includes('ballast'), 60_000);
    for (const id of await clients()) await server.sql(`KILL CONNECTION ${id}`);
    const [code] = await exited;
    assert.notEqual(code, 0);
    assert.deepEqual([await tables(), await comment()], [[], ['"mine"']]);
    const shown = await server.sql('SHOW CREATE DATABASE copy');
    assert.match(shown.join(), /latin1/);
    await server.sql('DROP DATABASE copy');
  });
});
