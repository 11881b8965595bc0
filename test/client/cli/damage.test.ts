/** What the commands say when backups are damaged and when people mean something else: two chains of a folder, no Temporal. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { verifyInRepository } from '../../../activities/operations/verify-copy.ts';
import { KIT_COMMANDS } from '../../../client/backups/kit-text.ts';
import { json, mosaicHere, type Ended } from '../../support/command-line.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const WHOLE = 'daily/stack/20261121T020000Z-incremental';
const FULL = 'daily/stack/20261122T020000Z-full';
const INCREMENTAL = 'daily/stack/20261123T020000Z-incremental';

describe('commands on damaged backups', () => {
  let folder: string;
  let data: string;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    data = path.join(folder, 'data');
    await mkdir(data);
    const stack: SiteInput['sources'][string] = {
      type: 'files',
      group: 'configs',
      paths: [data],
      incrementals: 1,
      exclude: [`${data}/scratch`],
    };
    made = await makeSite({ folder, sources: { stack, other: { type: 'files', paths: [path.join(folder, 'keys')] } } });
    for (const day of [20, 21, 22, 23]) {
      await writeFile(path.join(data, `${day}.txt`), `${day}\n`);
      await backUp(`2026-11-${day}T02:00:00Z`);
    }
  });
  after(cleanUp);

  async function backUp(scheduled: string): Promise<void> {
    const { site } = made;
    const [work, runId] = [testWork(), `daily-${scheduled}`];
    const { backup } = await captureBackup({
      site,
      source: 'stack',
      tier: 'daily',
      runId,
      scheduled,
      attempt: 1,
      busy: 1000,
      work,
    });
    await verifyInRepository({ site, backup, work });
  }

  function run(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', made.file, ...args]);
  }

  function inRepository(reference: string, name: string): string {
    return path.join(made.site.repository, reference.replace('daily', 'configs'), name);
  }

  /** Does something while a file has other bytes. */
  async function whileItIs(file: string, bytes: Buffer | string, work: () => Promise<void>): Promise<void> {
    const whole = await readFile(file);
    await writeFile(file, bytes);
    try {
      await work();
    } finally {
      await writeFile(file, whole);
    }
  }

  it('a chain with a damaged full is not the latest, and nobody calls its incremental verified', async () => {
    const artifact = inRepository(FULL, 'base.tar.zst.age');
    const flipped = Buffer.from(await readFile(artifact));
    flipped.writeUInt8((flipped.at(300) ?? 0) ^ 1, 300);
    await whileItIs(artifact, flipped, async () => {
      const failed = await run('restore', INCREMENTAL, '--to', path.join(folder, 'failed'));
      assert.equal(failed.code, 9);
      assert.match(failed.stderr, new RegExp(`${FULL}, base\\.tar\\.zst\\.age: The artifact is not what was stored`));

      const verified = await run('verify', 'latest', '--source', 'stack');
      assert.equal(verified.code, 9);
      assert.match(
        verified.stdout,
        new RegExp(`${INCREMENTAL} at repository: ok, but it builds on ${FULL}, which is DAM`),
      );

      const to = path.join(folder, 'restored');
      const { code, stderr } = await run('restore', 'latest', '--source', 'stack', '--to', to);
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`^${WHOLE} is .* old`));
      assert.match(stderr, new RegExp(`newer, but not used: ${INCREMENTAL} builds on ${FULL}, which is damaged`));
      assert.deepEqual(await readdir(path.join(to, data)), ['20.txt', '21.txt']);

      const list = await run('list');
      assert.match(list.stdout, new RegExp(`^${INCREMENTAL} .* broken$`, 'm'));
      assert.match(list.stderr, new RegExp(`${INCREMENTAL} builds on ${FULL}, which is damaged at repository`));
      const status = await run('status');
      assert.match(status.stdout, new RegExp(`^stack +${INCREMENTAL} .* broken `, 'm'));
      assert.match(status.stdout, new RegExp(`problem +stack: ${INCREMENTAL} builds on ${FULL}, which is damaged`));
    });
    assert.equal((await run('verify', 'latest', '--source', 'stack')).code, 0);
    assert.doesNotMatch((await run('list')).stdout, /broken|damaged/);
  });

  it('a chain without its full is not the latest either', async () => {
    const place = path.dirname(inRepository(FULL, 'x'));
    await rename(place, path.join(folder, 'away'));
    try {
      const { stderr } = await run(
        'restore',
        'latest',
        '--source',
        'stack',
        '--to',
        path.join(folder, 'x'),
        '--dry-run',
      );
      assert.match(stderr, new RegExp(`^${WHOLE} is [^]*${INCREMENTAL} builds on ${FULL}, which is missing`));
    } finally {
      await rename(path.join(folder, 'away'), place);
    }
  });

  it('the reference of a backup that cannot be read tells what is wrong with it', async () => {
    await whileItIs(inRepository(INCREMENTAL, 'manifest.json'), 'garbage', async () => {
      for (const reference of [INCREMENTAL, 'stack/20261123', INCREMENTAL.replace('daily', 'configs')]) {
        const { code, stderr } = await run('verify', reference);
        assert.equal(code, 9, stderr);
        assert.match(stderr, /cannot be read at repository: configs\/stack\/20261123T020000Z-incremental counts as no/);
      }
      assert.equal((await run('show', INCREMENTAL)).code, 9);
      assert.equal((await run('verify', 'weekly/stack/20261123')).code, 6);
    });
  });

  it('a reference of one source and the name of another contradict each other', async () => {
    for (const args of [
      ['restore', FULL, '--to', path.join(folder, 'x')],
      ['verify', FULL],
    ]) {
      const { code, stderr } = await run(...args, '--source', 'other');
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`${FULL} is of the source "stack", not of "other"`));
    }
  });

  it('names that nobody knows are not found, with those that there are', async () => {
    const typo = await run('list', '--source', 'stakc', '--json');
    assert.deepEqual([typo.code, json(typo).error?.code], [6, 'not-found']);
    assert.match(json(typo).error?.remedy ?? '', /"stack"/);
    assert.match((await run('list', '--source', 'nothing')).stderr, /There are: stack, other, mosaic-backup-local\./);
    assert.equal((await run('list', '--source', 'other')).stdout, 'no backups');
    for (const name of ['latest', 'stack']) {
      const { code, stderr } = await run('show', name);
      assert.equal(code, 6);
      assert.match(stderr, new RegExp(`mosaic-backup show ${INCREMENTAL}`));
    }
  });

  it('restore goes neither into nor above what the site lives from, links followed', async () => {
    await symlink(made.site.repository, path.join(folder, 'link'));
    const refused = [
      [path.join(made.site.repository, 'new'), /lies inside the repository/],
      [path.join(folder, 'link', 'new', 'deeper'), /lies inside the repository/],
      [made.site.repository, /is the repository/],
      [folder, /contains the repository/],
      [path.join(made.site.state, 'new'), /lies inside the state folder/],
      [path.join(folder, 'vault'), /is the destination "vault"/],
      [path.join(data, 'new'), /lies inside a path of the source "stack"/],
    ] as const;
    for (const [to, words] of refused) {
      for (const dry of [['--dry-run'], []]) {
        const ended = await run('restore', FULL, '--to', to, '--json', ...dry);
        assert.deepEqual([ended.code, json(ended).error?.code], [4, 'refused'], to);
        assert.match(json(ended).error?.message ?? '', words);
      }
    }
    assert.deepEqual((await readdir(data)).length, 4);
    const { code, stderr } = await run('restore', FULL, '--to', path.join(data, 'scratch'));
    assert.equal(code, 0, stderr);
  });

  it("the kit's commands leave the shell open that they are pasted into, and no key behind, when they fail", async () => {
    const temporary = path.join(folder, 'tmp');
    await mkdir(temporary);
    const BACKUP = path.dirname(inRepository(FULL, 'x'));
    const env = {
      BACKUP,
      SIGNERS: made.publicKey,
      IDENTITY: '/dev/null',
      TARGET: path.join(folder, 'never'),
      TMPDIR: temporary,
    };
    for (const shell of ['sh', 'bash']) {
      const { stdout } = await execa(shell, { input: `${KIT_COMMANDS}\necho "still open after $?"\n`, env });
      assert.match(stdout, /still open after [1-9]/);
    }
    assert.deepEqual(await readdir(temporary), []);
  });
});
