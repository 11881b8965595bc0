import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readdir, rename, rmdir, stat } from 'node:fs/promises';
import { z } from 'zod';
import { noteRestored } from '../../../activities/operations/in-place/record.ts';
import { capture, ship, SOURCE } from '../../activities/sources/postgres/backups.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { wholeSeconds } from '../../../model/time.ts';
import { json, LAUNCHER, mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../../support/managed-postgres.ts';
import { makeSite, type TestSite } from '../../support/site.ts';

const status = z.looseObject({
  sources: z.array(z.looseObject({ logs: z.looseObject({ restorableUntil: z.string().nullable() }).nullable() })),
  findings: z.array(z.looseObject({ code: z.string(), message: z.string() })),
});

const list = z.looseObject({
  backups: z.array(
    z.looseObject({ reference: z.string(), places: z.array(z.string()), verified: z.array(z.unknown()) }),
  ),
});

/** With no Temporal anywhere. */
describe('restore --in-place', function () {
  this.timeout(180_000);
  let folder: string;
  let server: ManagedPostgres;
  let made: TestSite;
  let inode: number;

  before(async () => {
    folder = await temporaryFolder();
    server = await startManaged({ folder });
    made = await makeSite({
      folder,
      sources: { [SOURCE]: server.config(), stack: { type: 'files', paths: [`${folder}/keys`] } },
    });
    await server.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await ship(made.site, '2026-11-23T01:55:00Z');
    await capture(made.site, '2026-11-23T02:00:00Z');
    await ship(made.site, '2026-11-23T02:05:00Z');
    await server.sql('INSERT INTO t VALUES (2)');
    ({ ino: inode } = await stat(server.data));
  });
  after(async () => {
    await server?.end();
    await cleanUp();
  });

  const restore = (...args: readonly string[]): Promise<Ended> =>
    mosaicHere(['-c', made.file, 'restore', 'latest', '--source', SOURCE, '--in-place', ...args]);

  async function isUntouched(): Promise<void> {
    assert.equal((await stat(server.data)).ino, inode);
    assert.deepEqual(await server.sql('SELECT count(*)::int AS n FROM t'), [{ n: 2 }]);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('data.')),
      [],
    );
  }

  async function statusOf(): Promise<z.infer<typeof status>> {
    return status.parse(JSON.parse((await mosaicHere(['-c', made.file, '--json', 'status'])).stdout));
  }

  it('says with --dry-run what would be done, and touches nothing', async () => {
    const { code, stdout, stderr } = await restore('--dry-run');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /the server of "db" of the site "test" is stopped, .*data is renamed and kept/);
    assert.match(stdout, /would restore daily\/db\/20261123T020000Z-full in place, to .*data; nothing was changed/);
    await isUntouched();
  });

  it('asks for the name of the site: another one aborts with 5, none without a terminal is wrong usage', async () => {
    const wrong = await restore('--confirm', 'prod');
    assert.equal(wrong.code, 5);
    assert.match(wrong.stderr, /not the site "prod". Nothing was changed/);
    const { exitCode, stderr } = await execa(
      LAUNCHER,
      ['-c', made.file, 'restore', 'latest', '--source', SOURCE, '--in-place'],
      { reject: false, stdin: 'ignore' },
    );
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, /--confirm/);
    await isUntouched();
  });

  it('asks on a terminal', async () => {
    const command = `${LAUNCHER} -c ${made.file} restore latest --source ${SOURCE} --in-place`;
    const { exitCode, stdout } = await execa('script', ['-qec', command, '/dev/null'], {
      reject: false,
      input: 'tset\n',
    });
    assert.equal(exitCode, 5, stdout);
    assert.match(stdout, /Type the name of the site to go on:[^]*not the site "tset"/);
    await isUntouched();
  });

  it('refuses what goes to no place, to two, and sources that it cannot restore in place', async () => {
    const args = ['-c', made.file, 'restore', 'latest', '--source'];
    assert.equal((await mosaicHere([...args, SOURCE])).code, 2);
    assert.equal((await restore('--to', `${folder}/other`)).code, 2);
    assert.equal((await restore('--path', '/etc/passwd')).code, 2);
    assert.equal((await mosaicHere(['-c', made.file, 'restore', '--undo', '--source', SOURCE])).code, 6);
    assert.equal((await mosaicHere(['-c', made.file, 'restore', '--resume'])).code, 2);
  });

  it('restores, tells each step, makes the full behind it, and status says until when there is no way back', async () => {
    const ended = await restore('--confirm', 'test', '--json');
    assert.equal(ended.code, 0, ended.stderr);
    const done = z
      .looseObject({ before: z.string(), full: z.string(), down: z.number(), data: z.string() })
      .parse(json(ended));
    assert.deepEqual(await server.sql('SELECT id FROM t'), [{ id: 1 }]);
    assert.ok((await stat(done.before)).isDirectory());
    assert.match(ended.stderr, /no Temporal is reached[^]*stopping the server[^]*service is back[^]*making a full/);
    const failed = `${done.data}.failed-20261128T020000Z`;
    await mkdir(failed);
    const { sources, findings } = await statusOf();
    await rmdir(failed);
    const left = findings.filter(({ code }) => code === 'in-place.failed-data');
    assert.deepEqual([left.length, left[0]?.message.endsWith(failed)], [1, true]);
    assert.notEqual(sources[0]?.logs?.restorableUntil, null);
    const kept = findings.find(({ code }) => code === 'in-place.old-data');
    assert.ok(kept?.message.includes(done.before));
  });

  it('the full behind it is verified, and copied with its logs: "latest" and the end of the logs are not of before the restore', async () => {
    const { backups } = list.parse(json(await mosaicHere(['-c', made.file, '--json', 'list', '--source', SOURCE])));
    const [full] = backups;
    assert.match(full?.reference ?? '', /-full$/);
    assert.deepEqual(full?.places, ['repository', 'vault']);
    assert.notDeepEqual(full?.verified, []);
    for (const from of [[], ['--from', 'vault']]) {
      for (const at of [[], ['--at', 'end']]) {
        const args = ['restore', 'latest', '--source', SOURCE, '--to', `${folder}/other`, '--dry-run', ...from, ...at];
        const { stdout, stderr } = await mosaicHere(['-c', made.file, ...args]);
        assert.ok(stdout.includes(full?.reference ?? 'none'), `${args.join(' ')}: ${stdout}${stderr}`);
      }
    }
  });

  it('the full behind it counts although a destination is away: that is said, and the command is partial', async () => {
    await rename(`${folder}/vault`, `${folder}/away`);
    const ended = await restore('--confirm', 'test', '--json');
    await rename(`${folder}/away`, `${folder}/vault`);
    assert.equal(ended.code, 3, ended.stderr);
    assert.match(z.looseObject({ full: z.string() }).parse(json(ended)).full, /-full$/);
    assert.match(ended.stderr, /The full behind it is made, but: .*vault/);
  });

  it('--at end is the end as the server is stopped for: what was committed since the last tick is in it', async () => {
    await server.sql('INSERT INTO t VALUES (7)');
    const ended = await restore('--at', 'end', '--confirm', 'test', '--json');
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(await server.sql('SELECT id FROM t WHERE id = 7'), [{ id: 7 }]);
    assert.match(ended.stderr, /the logs end at [^]*shipping the logs[^]*the logs now end at /);
  });

  /** What was saved before the restores in place has their times, so it is of now: of a second that no other has. */
  async function captureNow(): Promise<string> {
    await pause(1000 - (Date.now() % 1000));
    return (await capture(made.site, wholeSeconds(Date.now()))).backup.reference;
  }
  let sealed: string;

  it('status shows no recovery to a point until the full behind a restore in place is sealed', async () => {
    const at = new Date().toISOString();
    await noteRestored({ site: made.site, source: SOURCE }, { at, reference: 'r', target: null, kept: [] });
    assert.equal((await statusOf()).sources[0]?.logs?.restorableUntil, null);
    assert.match((await mosaicHere(['-c', made.file, 'status'])).stdout, /db +no point-in-time recovery yet/);
    sealed = await captureNow();
    await ship(made.site, '2026-11-24T02:05:00Z');
    assert.notEqual((await statusOf()).sources[0]?.logs?.restorableUntil, null);
  });

  it('--at end names the newest backup where no logs lead on from it: the end of the logs is of before it', async () => {
    const newest = await captureNow();
    const { code, stderr } = await restore('--at', 'end', '--dry-run');
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`newer, but not used: ${newest}: no WAL behind .*without --at`));
    assert.match(stderr, new RegExp(`from repository: ${sealed}`));
  });
});
