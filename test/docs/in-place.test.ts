import assert from 'node:assert/strict';
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { inPlace } from '../activities/operations/in-place/requests.ts';
import { capture, listed, ship, SOURCE } from '../activities/sources/postgres/backups.ts';
import { LAUNCHER } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../support/managed-postgres.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { ownTemporal } from '../support/ports.ts';

const PAGE = fileURLToPath(new URL('../../docs/operations.md', import.meta.url));

/** Does literally what docs/operations.md says of the way back by hand. */
describe('docs/operations.md: restore in place, and back by hand', function () {
  this.timeout(300_000);
  let folder: string;
  let server: ManagedPostgres;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    server = await startManaged({ folder });
    made = await makeSite({
      folder,
      sources: { [SOURCE]: server.config() },
      temporal: await ownTemporal(),
    });
    await server.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await ship(made.site, '2026-11-23T01:55:00Z');
    await capture(made.site, '2026-11-23T02:00:00Z');
    await server.sql('INSERT INTO t VALUES (2)');
  });
  after(async () => {
    await server?.end();
    await cleanUp();
  });

  it('the old data are served again, and logs are shipped behind a hole, with a full', async () => {
    const { before: old } = await inPlace(made.site);
    assert.deepEqual(await server.sql('SELECT id FROM t'), [{ id: 1 }]);
    await ship(made.site, '2026-11-23T03:00:00Z');
    const block = (await blocks()).find((each) => each.includes('failed-by-hand')) ?? '';
    const commands = block
      .replace(/^DATA=.*$/m, `DATA=${server.data}`)
      .replace(/^BEFORE=.*$/m, `BEFORE=${old}`)
      .replace('systemctl stop postgresql@15-main', server.inPlace.stop.join(' '))
      .replace('systemctl start postgresql@15-main', server.inPlace.start.join(' '))
      .replaceAll('--source postgres', `--source ${SOURCE}`);
    const script = `mosaic-backup() { ${LAUNCHER} -c ${made.file} "$@"; }\n${commands}`;
    // The server that pg_ctl starts keeps the output: so that is a file.
    const output = { file: `${folder}/output` };
    // Without -e, as one types it: logs with a hole make their run partial.
    const { exitCode } = await execa('bash', ['-u', '-c', script], { reject: false, stdout: output, stderr: output });
    assert.equal(exitCode, 0, await readFile(output.file, 'utf8'));
    assert.deepEqual(await server.sql('SELECT id FROM t ORDER BY id'), [{ id: 1 }, { id: 2 }]);
    const all = await listed(made.site);
    const setBack = all.find(({ manifest }) => /was set back/.test(String(manifest.position?.['gap'])));
    const since = setBack?.manifest.started ?? '';
    assert.ok(all.some(({ manifest }) => manifest.kind === 'full' && since !== '' && manifest.started > since));
  });

  /** The code blocks of the section. */
  async function blocks(): Promise<readonly string[]> {
    const page = await readFile(PAGE, 'utf8');
    const section = page.split('\n## ').find((each) => each.startsWith('Restore in place')) ?? '';
    return Array.from(section.matchAll(/```sh\n([^]*?)```/g), ([, block]) => block ?? '');
  }
});
