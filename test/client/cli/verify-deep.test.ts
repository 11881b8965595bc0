import assert from 'node:assert/strict';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { LAUNCHER } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const PROGRAMS = '/usr/lib/postgresql/15/bin';

const printed = z.object({
  verdict: z.string(),
  backups: z.array(
    z.object({
      reference: z.string(),
      verdict: z.string(),
      unchecked: z.boolean(),
      checks: z.array(z.object({ name: z.string(), compared: z.boolean(), ok: z.boolean(), detail: z.string() })),
    }),
  ),
});

describe('verify --deep', () => {
  let folder: string;
  let server: TestPostgres;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder });
    const data = path.join(folder, 'stack');
    await mkdir(data);
    await writeFile(path.join(data, 'compose.yaml'), 'services: {}\n');
    made = await makeSite({ folder, sources: { db: server.config(), stack: { type: 'files', paths: [data] } } });
    // The newest comes first.
    await capture('stack', '2026-11-22T02:00:00Z');
    await capture('db', '2026-11-22T03:00:00Z');
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  it('ends with 3 where there is no server program to check with: what nobody looked at is not called right', async () => {
    const { exitCode, stdout } = await without('postgres', ...deep('--source', 'db'));
    assert.equal(exitCode, 3, stdout);
    assert.match(stdout, /restored, but nothing of it could be checked on this machine/);
    assert.match(stdout, /not compared {2}start, databases, .*: not started: .*\n/, 'once for all of them');
    assert.equal(stdout.match(/not started/g)?.length, 1);
  });

  it('goes on with the other sources where one cannot even be restored here, and ends with 3', async () => {
    const { exitCode, stdout } = await without('pg_verifybackup', ...deep('--json'));
    assert.equal(exitCode, 3, stdout);
    const { verdict, backups } = printed.parse(JSON.parse(stdout));
    assert.equal(verdict, 'ok', 'nothing speaks against what is stored');
    assert.deepEqual(
      backups.map(({ reference, verdict, unchecked }) => [reference.split('/')[1], verdict, unchecked]),
      [
        ['db', 'ok', true],
        ['stack', 'ok', false],
      ],
    );
    const why = backups[0]?.checks.at(-1);
    assert.deepEqual([why?.name, why?.compared], ['deep', false]);
    assert.match(why?.detail ?? '', /^not restored: pg_verifybackup .* → .*(install|Install)/);
    const told = await without('pg_verifybackup', ...deep());
    assert.match(told.stdout, /not compared {2}deep: not restored: pg_verifybackup/);
    assert.doesNotMatch(told.stdout, /restored, but nothing/, 'it was not restored');
  });

  it('ends with 0 where all can be checked', async () => {
    const { exitCode, stdout } = await execa({ reject: false })(LAUNCHER, deep());
    assert.equal(exitCode, 0, stdout);
  });

  it('ends with 9 where one is damaged, whatever another could not be checked with', async () => {
    const backup = path.join(made.site.repository, 'daily/apps/stack/20261122T020000Z-full');
    const artifact = path.join(backup, (await readdir(backup)).find((name) => name.startsWith('base.')) ?? '');
    await rename(artifact, `${artifact}.away`);
    try {
      const { exitCode, stdout } = await without('pg_verifybackup', ...deep('--json'));
      assert.equal(exitCode, 9, stdout);
      assert.deepEqual(
        printed.parse(JSON.parse(stdout)).backups.map(({ verdict, unchecked }) => [verdict, unchecked]),
        [
          ['ok', true],
          ['failed', false],
        ],
      );
    } finally {
      await rename(`${artifact}.away`, artifact);
    }
  });

  /** Runs the command where a program of PostgreSQL is none: only for it, in a mount namespace of its own. */
  async function without(program: string, ...args: readonly string[]) {
    const none = path.join(folder, 'no-program');
    await writeFile(none, '', { mode: 0o644 });
    const hidden = ['-m', 'sh', '-c', 'mount --bind "$0" "$1" && shift && exec "$@"', none, `${PROGRAMS}/${program}`];
    return execa({ reject: false })('unshare', [...hidden, LAUNCHER, ...args]);
  }

  function deep(...more: readonly string[]): readonly string[] {
    return ['-c', made.file, 'verify', 'latest', '--deep', '--scratch', folder, ...more];
  }

  async function capture(source: string, scheduled: string): Promise<void> {
    await captureBackup({
      site: made.site,
      source,
      tier: 'daily',
      runId: `daily-${scheduled}`,
      scheduled,
      attempt: 1,
      busy: 1000,
      work: testWork(),
    });
  }
});
