import assert from 'node:assert/strict';
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { LAUNCHER, mosaic } from '../support/command-line.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { capture, ship, SOURCE } from '../activities/sources/postgres/backups.ts';

const PAGE = fileURLToPath(new URL('../../docs/postgres.md', import.meta.url));

/** Does literally what docs/postgres.md says of a dropped table. */
describe('docs/postgres.md: back to a point in time', () => {
  let folder: string;
  let server: TestPostgres;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, settings: { synchronous_commit: 'on' } });
    made = await makeSite({ folder, sources: { [SOURCE]: server.config() } });
    await server.sql('CREATE DATABASE shop');
    await server.sql('CREATE TABLE orders (id int PRIMARY KEY, what text)', 'shop');
    await ship(made.site, '2026-11-23T01:55:00Z');
    await capture(made.site, '2026-11-23T02:00:00Z');
    await server.sql(`INSERT INTO orders VALUES (1, 'bread'), (2, 'butter')`, 'shop');
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  it('brings back a dropped table, as it was just before', async () => {
    const [row] = await server.sql(
      `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
    );
    await server.sql('DROP TABLE orders', 'shop');
    await ship(made.site, '2026-11-23T14:10:00Z');

    const [settings, restore, table] = await blocks();
    assert.ok(settings?.includes('AT=') && restore && table);
    const target = path.join(folder, 'as-it-was');
    const script = [
      `mosaic-backup() { ${LAUNCHER} -c ${made.file} "$@"; }`,
      `AT=${String(row?.['at'])}`,
      `TARGET=${target}`,
      restore.replaceAll('--source postgres', `--source ${SOURCE}`),
      table.replace(/PROGRAMS=.*/, `PROGRAMS=${server.binaries.folder}`),
      'cat "$SOCKET/table.sql"',
    ];
    const { stdout, stderr } = await execa('bash', ['-eu', '-c', script.join('\n')], { env: { TMPDIR: folder } });
    // Which backup, which logs, from where, and how much: said twice, since nothing is fetched before.
    const told =
      /^from repository: daily\/db\/20261123T020000Z-full, and one backup of logs \(\S+\); \S+ \S+ to fetch$/gm;
    assert.equal(stderr.match(told)?.length, 2, stderr);
    assert.match(stdout, /1\tbread\n2\tbutter/);
  });

  it('refuses a time that cannot be reached, with the nearest that can', async () => {
    const to = path.join(folder, 'never');
    const args = ['-c', made.file, '--json', 'restore', 'latest', '--source', SOURCE, '--at', '2030-01-01T00:00:00Z'];
    const { code, stdout } = await mosaic([...args, '--to', to]);
    assert.equal(code, 4);
    assert.match(stdout, /"code": "refused"[^]*can be reached: 20/);
    assert.equal((await mosaic([...args.slice(0, -1), 'yesterday', '--to', to])).code, 2);
  });

  /** The code blocks of the section. */
  async function blocks(): Promise<readonly string[]> {
    const page = await readFile(PAGE, 'utf8');
    const section = page.split('\n## ').find((each) => each.startsWith('Back to a point in time')) ?? '';
    return Array.from(section.matchAll(/```sh\n([^]*?)```/g), ([, block]) => block ?? '');
  }
});
