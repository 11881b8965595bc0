/** The commands on real backups: a full and an incremental of a folder, copied to a destination. No Temporal anywhere. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, appendFile, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { copyToDestination } from '../../../activities/operations/copy-to.ts';
import { verifyInRepository } from '../../../activities/operations/verify-copy.ts';
import { CONFIG_MARKS, KIT_COMMANDS } from '../../../client/backups/kit-text.ts';
import { KIT_IDENTITY } from '../../../model/config/recovery-config.ts';
import { json, LAUNCHER, mosaicHere, type Ended } from '../../support/command-line.ts';
import { endChildren, startChild } from '../../support/children.ts';
import { cleanUp, smallFileSystem, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';
import { testWork } from '../../support/work.ts';

/** A restore that has made its scratch, and gets no further. */
const SCRATCH = new URL('../../activities/storage/scratch-child.ts', import.meta.url);
const FULL = 'daily/stack/20261122T020000Z-full';
const INCREMENTAL = 'daily/stack/20261123T020000Z-incremental';

describe('commands on backups', () => {
  let folder: string;
  let data: string;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'first.txt'), 'first\n');
    made = await makeSite({ folder, sources: { stack: { type: 'files', group: 'configs', paths: [data] } } });
    await backUp('2026-11-22T02:00:00Z');
    await writeFile(path.join(data, 'second.txt'), 'second\n');
    await backUp('2026-11-23T02:00:00Z');
  });
  afterEach(endChildren);
  after(cleanUp);

  async function backUp(scheduled: string): Promise<void> {
    const { site } = made;
    const work = testWork();
    const { backup } = await captureBackup({
      site,
      source: 'stack',
      tier: 'daily',
      runId: `daily-${scheduled}`,
      scheduled,
      attempt: 1,
      busy: 1000,
      work,
    });
    await copyToDestination({ site, backup, destination: 'vault', work });
    await verifyInRepository({ site, backup, work });
  }

  function run(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', made.file, ...args]);
  }

  function restored(to: string, name: string): Promise<string> {
    return readFile(path.join(to, data, name), 'utf8');
  }

  it('list shows each with its places and checks', async () => {
    const { code, stdout } = await run('list');
    assert.equal(code, 0);
    const [header = '', newest = '', oldest = ''] = stdout.split('\n');
    assert.match(header, /^reference +kind +time +age +stored +ratio +at +checked$/);
    assert.match(
      newest,
      new RegExp(`^${INCREMENTAL} +incremental +2026-11-23T02:00:00Z .* repository, vault +verified$`),
    );
    assert.match(oldest, new RegExp(`^${FULL} +full .* verified$`));
  });

  it('show takes a reference, shortened or not, and refuses one that means several', async () => {
    const { stdout } = await run('show', 'stack/20261123');
    assert.match(stdout, new RegExp(`kind +incremental, on ${FULL}`));
    assert.match(stdout, /verified +ok at repository/);
    assert.deepEqual([(await run('show', 'stack/2026')).code, (await run('show', 'stack/1999')).code], [2, 6]);
  });

  it('verify checks a backup with what it builds on', async () => {
    const { code, stdout } = await run('verify', 'latest');
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^${FULL} at repository: ok .*\n${INCREMENTAL} at repository: ok`));
    assert.equal((await run('verify', 'latest', '--source', 'nothing')).code, 6);
  });

  it('verify --deep restores and compares as well, and leaves nothing', async () => {
    const scratch = path.join(folder, 'scratch');
    const { code, stdout } = await run('verify', 'latest', '--deep', '-v', '--scratch', scratch);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /files: .* equal the inventory/);
    assert.deepEqual(await readdir(scratch), []);
  });

  it('verify takes the folder of a copy that was carried here', async () => {
    const carried = path.join(folder, 'usb', 'a backup');
    await cp(path.join(folder, 'vault/configs/stack/20261122T020000Z-full'), carried, { recursive: true });
    assert.equal((await run('verify', carried)).code, 0);
    await appendFile(path.join(carried, 'base.tar.zst.age'), 'x');
    const { code, stdout } = await run('verify', carried);
    assert.equal(code, 9);
    assert.match(stdout, /DAMAGED[^]*WRONG +base\.tar\.zst\.age: it has \d+ bytes, not \d+/);
  });

  it('verify ends with 9 on a damaged copy, and lists say so from then on', async () => {
    const copy = path.join(folder, 'vault/configs/stack/20261122T020000Z-full/base.tar.zst.age');
    const whole = await readFile(copy);
    const flipped = Buffer.from(whole);
    flipped.writeUInt8((flipped.at(200) ?? 0) ^ 1, 200);
    await writeFile(copy, flipped);
    assert.equal((await run('verify', FULL, '--destination', 'vault')).code, 9);
    assert.match((await run('list', '--destination', 'vault')).stdout, new RegExp(`${FULL} .*damaged`));
    await writeFile(copy, whole);
    assert.equal((await run('verify', FULL, '--destination', 'vault')).code, 0);
    assert.doesNotMatch((await run('list')).stdout, /damaged/);
  });

  it('verify latest fails, and restore latest tells, when the newest is there but cannot be read', async () => {
    const manifest = path.join(made.site.repository, 'configs/stack/20261123T020000Z-incremental/manifest.json');
    const whole = await readFile(manifest);
    await writeFile(manifest, 'garbage');
    try {
      const { code, stdout } = await run('verify', 'latest');
      assert.equal(code, 9);
      assert.match(stdout, /DAMAGED: configs\/stack\/20261123T020000Z-incremental counts as no backup/);
      const rehearsed = await run('restore', 'latest', '--to', path.join(folder, 'never'), '--dry-run', '--accept-age');
      assert.match(rehearsed.stderr, /newer, but not used: configs\/stack\/20261123T020000Z-incremental counts as no/);
    } finally {
      await writeFile(manifest, whole);
    }
  });

  it('verify --deep goes on to its end when its reader leaves: its status counts, and scratch is removed', async () => {
    const scratch = path.join(folder, 'unread');
    const line = `set -o pipefail; "${LAUNCHER}" -c "${made.file}" verify latest --deep --scratch "${scratch}" 2>&1 | true`;
    assert.equal((await execa('bash', ['-c', line])).exitCode, 0);
    assert.deepEqual(await readdir(scratch), []);
  });

  it('restore rehearses with --dry-run, restores, and refuses a folder that is not empty', async () => {
    const to = path.join(folder, 'restored');
    const rehearsed = await run('restore', 'latest', '--to', to, '--dry-run');
    assert.equal(rehearsed.code, 0);
    await assert.rejects(access(to));
    const done = await run('restore', 'latest', '--to', to);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, new RegExp(`${INCREMENTAL} is .* old`));
    assert.deepEqual([await restored(to, 'first.txt'), await restored(to, 'second.txt')], ['first\n', 'second\n']);
    assert.equal((await run('restore', 'latest', '--to', to)).code, 4);
    assert.equal((await run('restore', 'latest', '--to', to, '--dry-run')).code, 4);
  });

  it('restore follows a link to an empty folder', async () => {
    const real = path.join(folder, 'real');
    await mkdir(real);
    await symlink(real, path.join(folder, 'link'));
    const { code, stderr } = await run('restore', FULL, '--to', path.join(folder, 'link'));
    assert.equal(code, 0, stderr);
    assert.equal(await restored(real, 'first.txt'), 'first\n');
  });

  it('restore into a mount point removes the plaintext that a killed one left in it, and not that of a living one', async () => {
    const disk = await smallFileSystem('8m');
    const restoring = { within: disk, prefix: '.mosaic-restore-' };
    const living = startChild(SCRATCH, restoring);
    await living.line();
    assert.equal((await run('restore', 'latest', '--to', disk)).code, 4, 'another restore is at work there');
    await living.signal('SIGKILL');
    assert.equal((await readdir(disk)).length, 1, 'what was killed leaves it');
    const { code, stderr } = await run('restore', 'latest', '--to', disk);
    assert.equal(code, 0, stderr);
    assert.equal(await restored(disk, 'second.txt'), 'second\n');
    assert.deepEqual(await readdir(disk), [path.relative('/', data).split('/')[0]]);
  });

  it('restore takes single paths, and older backups by their reference', async () => {
    const one = path.join(folder, 'one');
    assert.equal((await run('restore', 'latest', '--path', path.join(data, 'second.txt'), '--to', one)).code, 0);
    assert.deepEqual(await readdir(path.join(one, data)), ['second.txt']);
    const old = path.join(folder, 'old');
    assert.equal((await run('restore', FULL, '--to', old)).code, 0);
    assert.deepEqual(await readdir(path.join(old, data)), ['first.txt']);
  });

  it('restore --path with a glob tells how much it means before it begins; what means nothing is refused, with what comes near', async () => {
    const glob = path.join(data, '*.txt');
    const dry = await run('restore', 'latest', '--path', glob, '--to', path.join(folder, 'globbed'), '--dry-run');
    assert.match(dry.stderr, /--path means 2 entries \(\d+ B\): .*\/first\.txt, .*\/second\.txt/);
    assert.equal((await run('restore', 'latest', '--path', glob, '--to', path.join(folder, 'globbed'))).code, 0);
    assert.deepEqual((await readdir(path.join(folder, 'globbed', data))).toSorted(), ['first.txt', 'second.txt']);
    const near = path.join(data, 'secnd.txt');
    const none = await run('restore', 'latest', '--path', near, '--to', path.join(folder, 'none'));
    assert.equal(none.code, 6, none.stderr);
    assert.match(none.stderr, /Did you mean .*\/second\.txt/);
  });

  it('browse lists what a backup has, as ls does, and restores nothing of it', async () => {
    const listed = await run('browse', 'latest', data);
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stderr, /20\d+T\d+Z-\w+ from repository: 2 of \d+ entries/);
    assert.match(listed.stdout, /^-rw-r--r-- +\d+:\d+ +7 +20\d\d-\S+Z +\/.*\/second\.txt$/m);
    const root = await run('browse', FULL, '--recursive', '--json');
    const { entries } = JSON.parse(root.stdout) as {
      entries: readonly { path: string; kind: string; size: number; mode: string }[];
    };
    const first = entries.find((entry) => entry.path === path.join(data, 'first.txt'));
    assert.deepEqual([first?.kind, first?.size, first?.mode], ['file', 6, '644']);
    assert.ok(!entries.some((entry) => entry.path.endsWith('second.txt')), 'what came later is not in it');
    assert.match((await run('browse', 'latest')).stdout, new RegExp(`/${data.split('/')[1] ?? ''}/$`, 'm'));
    assert.match((await run('browse', 'latest', '/**/sec*')).stdout, /second\.txt$/);
    const none = await run('browse', 'latest', path.join(data, 'frist.txt'));
    assert.equal(none.code, 6, none.stdout);
    assert.match(none.stderr, /Did you mean .*\/first\.txt/);
  });

  it('list and restore work from a destination when repository and state are gone', async () => {
    await rename(path.join(folder, 'repository'), path.join(folder, 'repository.gone'));
    await rename(path.join(folder, 'state'), path.join(folder, 'state.gone'));
    try {
      assert.match((await run('list', '--destination', 'vault')).stdout, new RegExp(INCREMENTAL));
      const to = path.join(folder, 'from-vault');
      const { code, stderr } = await run('restore', 'latest', '--from', 'vault', '--to', to);
      assert.equal(code, 0, stderr);
      assert.equal(await restored(to, 'second.txt'), 'second\n');
    } finally {
      await rename(path.join(folder, 'repository.gone'), path.join(folder, 'repository'));
      await rename(path.join(folder, 'state.gone'), path.join(folder, 'state'));
    }
  });

  it('restore takes a copy when the repository is gone, and names it where the repository was asked for', async () => {
    await rename(path.join(folder, 'repository'), path.join(folder, 'repository.gone'));
    try {
      const only = ['--from', 'repository', '--to', path.join(folder, 'nowhere')];
      const { code, stderr } = await run('restore', 'latest', ...only);
      assert.equal(code, 8);
      assert.match(stderr, /restore … --from vault/);
      const taken = await run('restore', 'latest', '--to', path.join(folder, 'taken'));
      assert.equal(taken.code, 0, taken.stderr);
      assert.match(taken.stderr, /passed over: repository: /);
      assert.match(taken.stdout, /from vault/);
    } finally {
      await rename(path.join(folder, 'repository.gone'), path.join(folder, 'repository'));
    }
  });

  it('restore latest asks before it takes one that is older than the objective', async () => {
    const strict = path.join(folder, 'strict.yaml');
    await writeFile(
      strict,
      (await readFile(made.file, 'utf8')).replace('type: files', 'type: files\n    objectives: { rpo: 1ms }'),
    );
    const to = path.join(folder, 'aged');
    const refused = await mosaicHere(['-c', strict, 'restore', 'latest', '--to', to, '--json']);
    assert.deepEqual([refused.code, json(refused).error?.code], [4, 'refused']);
    assert.match(json(refused).error?.remedy ?? '', /--accept-age/);
    assert.equal((await mosaicHere(['-c', strict, 'restore', 'latest', '--to', to, '--accept-age'])).code, 0);
    assert.match(
      (await mosaicHere(['-c', strict, 'status'])).stdout,
      /problem +stack: the newest backup is .* old, the objective is/,
    );
  });

  it('status counts copies, devices and off-site, and stays red until the kit is confirmed', async () => {
    const before = await run('status');
    assert.equal(before.code, 0);
    assert.match(before.stdout, /NOT confirmed/);
    assert.match(
      before.stdout,
      new RegExp(`^stack +${INCREMENTAL} .* verified +never +2 of 3 +1 of 2 +0 of 1 +repository, vault$`, 'm'),
    );
    assert.match(before.stdout, /2 of 3 copies, 1 of 2 devices, none off-site/);
    assert.equal((await run('keys', 'kit', '--confirm')).code, 0);
    assert.match((await run('status')).stdout, /Recovery kit: confirmed 20/);
  });

  it("the kit's commands open a backup, as they stand, with its identity and nothing of ours", async () => {
    const { code, stdout } = await run('keys', 'kit');
    assert.equal(code, 0);
    assert.ok(stdout.includes(KIT_COMMANDS.trim()), 'the kit holds the commands');
    assert.ok(stdout.includes(made.publicKey));
    const identity = path.join(folder, 'kit-identity.txt');
    await writeFile(
      identity,
      stdout
        .split('\n')
        .filter((line) => /^(# public key: age1|AGE-SECRET-KEY-1)/.test(line))
        .join('\n'),
      { mode: 0o600 },
    );
    const to = path.join(folder, 'by hand');
    const BACKUP = path.join(folder, 'vault/configs/stack/20261122T020000Z-full');
    const byHand = await execa({
      reject: false,
      env: { BACKUP, IDENTITY: identity, TARGET: to, SIGNERS: made.publicKey },
    })('sh', ['-c', KIT_COMMANDS]);
    assert.equal(byHand.exitCode, 0, byHand.stderr);
    assert.equal(await restored(to, 'first.txt'), 'first\n');
  });

  it("the kit's config restores on a machine that has nothing but the kit and a copy", async () => {
    const { stdout } = await run('keys', 'kit');
    const config = stdout.slice(stdout.indexOf(CONFIG_MARKS[0]), stdout.indexOf(CONFIG_MARKS[1]));
    const empty = path.join(folder, 'empty-machine');
    await mkdir(empty);
    await rename(path.join(folder, 'vault'), path.join(empty, 'carried'));
    try {
      await writeFile(path.join(empty, 'identity.txt'), /^AGE-SECRET-KEY-1.*$/m.exec(stdout)?.[0] ?? '', {
        mode: 0o600,
      });
      const file = path.join(empty, 'recovery.yaml');
      const moved = config
        .replace(KIT_IDENTITY, path.join(empty, 'identity.txt'))
        .replace(path.join(folder, 'vault'), path.join(empty, 'carried'))
        .replace(path.join(folder, 'repository'), path.join(empty, 'repository'))
        .replace(path.join(folder, 'state'), path.join(empty, 'state'));
      await writeFile(file, moved);
      const commands = stdout.split('\n').filter((line) => line.startsWith('   mosaic-backup -c recovery.yaml'));
      assert.equal(commands.length, 2);
      for (const command of commands) {
        const args = command
          .replace('NAME', 'stack')
          .replace('FOLDER', path.join(empty, 'restored'))
          .split(' ')
          .filter(Boolean);
        const { code, stderr } = await mosaicHere(['-c', file, ...args.slice(3)]);
        assert.equal(code, 0, stderr);
      }
      assert.equal(await restored(path.join(empty, 'restored'), 'second.txt'), 'second\n');
    } finally {
      await rename(path.join(empty, 'carried'), path.join(folder, 'vault'));
    }
  });

  it('the kit takes the identity that is kept elsewhere, and refuses one of another site', async () => {
    assert.equal((await run('keys', 'kit', '--identity', made.identities[1])).code, 0);
    const foreign = path.join(folder, 'foreign.txt');
    const fresh = await run('keys', 'new', foreign);
    assert.match(fresh.stdout, /^age1/);
    assert.equal((await run('keys', 'new', foreign)).code, 7);
    const refused = await run('keys', 'kit', '--identity', foreign);
    assert.deepEqual([refused.code, refused.stdout], [4, '']);
  });

  it('^C cancels with 130, and a second one leaves at once', async () => {
    const stubborn = path.join(folder, 'stubborn.yaml');
    const text = await readFile(made.file, 'utf8');
    const waiting = (script: string) =>
      text.replace(/ {2}identity:\n {4}file: .*\n/, `  identity: { command: [sh, -c, ${JSON.stringify(script)}] }\n`);
    const ready = path.join(folder, 'ready');
    await writeFile(stubborn, waiting(`: > '${ready}'; exec sleep 30`));
    assert.deepEqual(await interrupted(stubborn, ready, 1), [130]);
    await writeFile(stubborn, waiting(`trap '' INT TERM; : > '${ready}'; exec sleep 30`));
    assert.deepEqual(await interrupted(stubborn, ready, 2), [130]);
  });

  /** Starts a restore, and sends it ^C as a terminal does, to its process group, once it waits for its identity. */
  async function interrupted(config: string, ready: string, times: number): Promise<readonly [number | null]> {
    await rm(ready, { force: true });
    const child = spawn(LAUNCHER, ['-c', config, 'restore', 'latest', '--to', path.join(folder, 'never')], {
      detached: true,
      stdio: 'ignore',
    });
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    await until('the command that gives the identity', () => existsSync(ready));
    for (let sent = 0; sent < times; sent += 1) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      process.kill(-(child.pid ?? 0), 'SIGINT');
    }
    return [await closed];
  }
});
