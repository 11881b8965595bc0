import assert from 'node:assert/strict';
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LAUNCHER } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { captureExport, newest } from '../activities/sources/postgres/exports.ts';

/** Does literally what docs/postgres.md and docs/open-a-backup.md say of exports. */
describe('docs: exports of PostgreSQL', function () {
  this.timeout(180_000);
  let folder: string;
  let server: TestPostgres;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder });
    made = await makeSite({ folder, sources: { postgres: server.config('socket', { export: {} }) } });
    await server.sql('CREATE ROLE app');
    await server.sql('CREATE DATABASE shop');
    await server.sql('CREATE TABLE orders (id int PRIMARY KEY, what text); ALTER TABLE orders OWNER TO app', 'shop');
    await server.sql(`INSERT INTO orders VALUES (1, 'bread'), (2, 'butter')`, 'shop');
    await captureExport(made.site, '2026-11-22T01:00:00Z', 'weekly', 'postgres');
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('docs/postgres.md: the role is made again without harm, and is let in', async () => {
    const [role] = await blocks('postgres.md', 'Logical exports');
    assert.ok(role !== undefined && role.includes('postgres-export.sql'));
    const root = fileURLToPath(new URL('../..', import.meta.url));
    await shell([role], { cwd: root });
    const config = await readFile(path.join(root, 'docs', 'postgres.md'), 'utf8');
    assert.ok(config.includes('export: {}'));
  });

  it('docs/postgres.md: an emptied table comes back beside the other, then in its place', async () => {
    const [, settings, beside, replace] = await blocks('postgres.md', 'Logical exports');
    assert.ok(settings && beside && replace && settings.includes('INTO='));
    await server.sql('DELETE FROM orders', 'shop');
    const own = settings.replace('/run/postgresql', `${server.socket} port=${server.port}`);
    const { stdout, stderr } = await shell([own, beside]);
    assert.match(stdout, /make database "rescue"[^]*restore table public\.orders/);
    assert.match(stderr, /the newest with an export/);
    const expected = [
      { id: 1, what: 'bread' },
      { id: 2, what: 'butter' },
    ];
    assert.deepEqual(await server.sql('SELECT * FROM orders ORDER BY id', 'rescue'), expected);
    assert.deepEqual(await server.sql('SELECT * FROM orders', 'shop'), []);
    await shell([own, replace]);
    assert.deepEqual(await server.sql('SELECT * FROM orders ORDER BY id', 'shop'), expected);
  });

  it('docs/open-a-backup.md: an export opens with nothing of ours, and goes into a server', async () => {
    const page = await readFile(pageOf('open-a-backup.md'), 'utf8');
    const key = blocksOf(page, '3. Get')[0];
    const [list, use] = blocksOf(page, '7. Use');
    assert.ok(key && list && use);
    const backup = await newest(made.site, 'postgres');
    await server.sql('DROP DATABASE shop WITH (FORCE)');
    const setup = [
      `cd ${path.join(made.site.repository, backup.folder)}`,
      `IDENTITY=${made.identities[1]}`,
      `export PGHOST=${server.socket} PGPORT=${server.port} PGUSER=postgres`,
    ];
    const { stdout } = await shell([...setup, key, list, use]);
    assert.match(stdout, /export-\d+\.dump\.zst\.age\tdatabase\tshop\tas of 20/);
    assert.equal((await server.sql('SELECT * FROM orders', 'shop')).length, 2);
  });

  function shell(script: readonly string[], options: { readonly cwd?: string } = {}) {
    const lines = [`mosaic-backup() { ${LAUNCHER} -c ${made.file} "$@"; }`, ...script];
    const env = { TMPDIR: folder, PGHOST: server.socket, PGPORT: String(server.port), PGUSER: 'postgres' };
    return execa('bash', ['-eu', '-c', lines.join('\n')], { env, ...options });
  }
});

function pageOf(name: string): string {
  return fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
}

async function blocks(name: string, section: string): Promise<readonly string[]> {
  return blocksOf(await readFile(pageOf(name), 'utf8'), section);
}

/** The code blocks of a section. */
function blocksOf(page: string, section: string): readonly string[] {
  const text = page.split('\n## ').find((each) => each.startsWith(section)) ?? '';
  return Array.from(text.matchAll(/```sh\n([^]*?)```/g), ([, block]) => block ?? '');
}
