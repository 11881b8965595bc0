import assert from 'node:assert/strict';
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { shipLogs } from '../../activities/operations/ship-logs.ts';
import { capture, SOURCE } from '../activities/sources/mariadb/backups.ts';
import { run } from '../../activities/sources/mariadb/session.ts';
import { startServer } from '../../activities/sources/mariadb/server.ts';
import { LAUNCHER, mosaic } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { testWork } from '../support/work.ts';

const PAGE = fileURLToPath(new URL('../../docs/mariadb.md', import.meta.url));

/** Does literally what docs/mariadb.md says of a dropped table. */
describe('docs/mariadb.md: recovery to a point', () => {
  let folder: string;
  let server: TestMariadb;
  let made: TestSite;
  let drop = '';

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    made = await makeSite({ folder, sources: { [SOURCE]: server.config() } });
    await server.sql('CREATE DATABASE shop; CREATE TABLE shop.orders (id int PRIMARY KEY, what text)');
    await capture(made.site, '2026-11-23T02:00:00Z');
    await server.sql(`INSERT INTO shop.orders VALUES (1, 'bread')`);
    await ship('2026-11-23T02:05:00Z');
    await server.sql(`INSERT INTO shop.orders VALUES (2, 'butter')`);
    await server.sql('DROP TABLE shop.orders');
    [drop = ''] = await server.sql('SELECT @@gtid_binlog_pos');
    await server.sql('CREATE TABLE shop.later (id int)');
    await ship('2026-11-23T02:10:00Z');
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  function ship(scheduled: string) {
    const { site } = made;
    const work = testWork();
    return shipLogs({ site, source: SOURCE, runId: `logs-${scheduled}`, scheduled, attempt: 1, busy: 0, work });
  }

  it('P19 brings back a dropped table, as it was just before', async () => {
    const [settings, restore] = await blocks();
    assert.ok(settings?.includes('GTID=') && restore);
    const target = path.join(folder, 'before');
    const script = [
      `mosaic-backup() { ${LAUNCHER} -c ${made.file} "$@"; }`,
      `GTID=${drop}`,
      `TARGET=${target}`,
      restore.replaceAll('--source mariadb', `--source ${SOURCE}`),
    ];
    const { stderr } = await execa('bash', ['-eu', '-c', script.join('\n')]);
    assert.match(stderr, /2 backups of logs .* to fetch/);
    assert.deepEqual(await rows(target, 'SELECT what FROM shop.orders ORDER BY id'), ['bread', 'butter']);
  });

  it('replays what --at names, and takes no more logs than that needs', async () => {
    const target = path.join(folder, 'at');
    const args = ['-c', made.file, 'restore', 'latest', '--source', SOURCE, '--at', drop, '--to', target];
    const { code, stderr } = await mosaic(args);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await rows(target, 'SHOW TABLES FROM shop'), []);
    const early = await mosaic([...args.slice(0, -4), '--before', '0-1-1', '--to', path.join(folder, 'early')]);
    assert.equal(early.code, 4, early.stderr);
    const late = await mosaic([...args.slice(0, -4), '--at', '0-1-999', '--to', path.join(folder, 'late')]);
    assert.equal(late.code, 4, late.stderr);
    assert.match(late.stderr, /the logs end at/);
  });

  async function rows(data: string, sql: string): Promise<readonly string[]> {
    const { signal } = new AbortController();
    const runtime = await temporaryFolder();
    const started = await startServer({ data, runtime, args: ['--skip-grant-tables', '--skip-log-bin'], signal });
    try {
      return await run(started.connection, sql, { signal });
    } finally {
      await started.stop();
    }
  }

  /** The code blocks of the section. */
  async function blocks(): Promise<readonly string[]> {
    const page = await readFile(PAGE, 'utf8');
    const section = page.split('\n## ').find((each) => each.startsWith('Binary logs')) ?? '';
    return Array.from(section.matchAll(/```sh\n([^]*?)```/g), ([, block]) => block ?? '');
  }
});
