import assert from 'node:assert/strict';
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { captureBackup } from '../../activities/operations/capture.ts';
import { LAUNCHER } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { testWork } from '../support/work.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Does literally what docs/mariadb.md says of exports. */
describe('docs/mariadb.md: exports', function () {
  this.timeout(180_000);
  let folder: string;
  let server: TestMariadb;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await server.sql('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, what TEXT)');
    await server.sql(`INSERT INTO shop.orders VALUES (1, 'bread'), (2, 'butter')`);
    const config = server.config({ export: { password: { file: server.passwords.export } } });
    made = await makeSite({ folder, sources: { mariadb: config } });
    await captureBackup({
      site: made.site,
      source: 'mariadb',
      tier: 'weekly',
      runId: 'weekly-2026-11-22T01:00:00Z',
      scheduled: '2026-11-22T01:00:00Z',
      attempt: 1,
      busy: 0,
      work: testWork(),
    });
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('the account is made again without harm', async () => {
    const [account] = await blocks('### Logical exports');
    assert.ok(account !== undefined && account.includes('mariadb-export.sql'));
    await shell([account]);
  });

  it('an emptied table comes back, and the old one is kept', async () => {
    const [settings, restore] = await blocks('### One table, or one database');
    assert.ok(settings && restore);
    await server.sql('DELETE FROM shop.orders WHERE id = 1');
    const own = settings
      .replace('/run/mysqld/mysqld.sock', server.connection().socket ?? '')
      .replace('user=root', `user=${userInfo().username}`);
    const { stdout } = await shell([own, restore]);
    assert.match(stdout, /call the old table orders "orders_before_/);
    assert.deepEqual(await server.sql('SELECT what FROM shop.orders ORDER BY id'), ['bread', 'butter']);
  });

  function shell(script: readonly string[]) {
    const lines = [
      `mosaic-backup() { ${LAUNCHER} -c ${made.file} "$@"; }`,
      `mariadb() { command mariadb --no-defaults --socket=${server.connection().socket ?? ''} "$@"; }`,
      ...script,
    ];
    return execa('bash', ['-eu', '-c', lines.join('\n')], { cwd: ROOT });
  }
});

/** The commands of a section. */
async function blocks(section: string): Promise<readonly string[]> {
  const page = await readFile(new URL('../../docs/mariadb.md', import.meta.url), 'utf8');
  const [, text = ''] = page.split(section);
  return Array.from(text.split(/\n##+ /)[0]?.matchAll(/```sh\n([^]*?)```/g) ?? [], ([, block]) => block ?? '');
}
