import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { LAUNCHER } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const SERVER = '/usr/lib/postgresql/15/bin/postgres';

describe('verify --deep', () => {
  let folder: string;
  let server: TestPostgres;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder });
    made = await makeSite({ folder, sources: { db: server.config() } });
    await captureBackup({
      site: made.site,
      source: 'db',
      tier: 'daily',
      runId: 'daily-2026-11-22T02:00:00Z',
      scheduled: '2026-11-22T02:00:00Z',
      attempt: 1,
      busy: 1000,
      work: testWork(),
    });
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  it('ends with 3 where there is no server program to check with: what nobody looked at is not called right', async () => {
    const none = path.join(folder, 'no-program');
    await writeFile(none, '', { mode: 0o644 });
    // Only for this command: in a mount namespace of its own the server is no program.
    const hidden = ['-m', 'sh', '-c', 'mount --bind "$0" "$1" && shift && exec "$@"', none, SERVER];
    const { exitCode, stdout } = await execa({ reject: false })('unshare', [...hidden, LAUNCHER, ...deep()]);
    assert.equal(exitCode, 3, stdout);
    assert.match(stdout, /restored, but nothing of it could be checked on this machine/);
    assert.match(stdout, /not compared {2}start, databases, .*: not started: .*\n/, 'once for all of them');
    assert.equal(stdout.match(/not started/g)?.length, 1);
  });

  it('ends with 0 where there is one', async () => {
    const { exitCode, stdout } = await execa({ reject: false })(LAUNCHER, deep());
    assert.equal(exitCode, 0, stdout);
  });

  function deep(): readonly string[] {
    return ['-c', made.file, 'verify', 'latest', '--deep', '--scratch', folder];
  }
});
