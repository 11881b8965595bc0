/** `verify` of a whole place, and `copies repair`: on real captures, which decrypt. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { copyToDestination } from '../../../activities/operations/copy-to.ts';
import { verifyPlace } from '../../../activities/operations/place/verify-place.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { openRepository } from '../../../activities/storage/repository.ts';
import { BackupError } from '../../../model/errors.ts';
import { json, mosaicHere, type Ended } from '../../support/command-line.ts';
import { endChildren, startChild } from '../../support/children.ts';
import { cleanUp, plugIn, temporaryFolder, unmount } from '../../support/folders.ts';
import { keysIn } from '../../support/keys-in.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const FULL = 'configs/stack/20261121T020000Z-full';
const CHILD = 'configs/stack/20261122T020000Z-incremental';
const REPAIR_CHILD = new URL('./repair-child.ts', import.meta.url);

const placeVerdict = z.looseObject({
  place: z.string(),
  verdict: z.string(),
  backups: z.number(),
  problems: z.array(z.strictObject({ problem: z.string(), of: z.string(), found: z.array(z.string()) })),
});
const repaired = z.looseObject({
  verdict: z.string(),
  repairs: z.array(
    z.looseObject({
      reference: z.string(),
      place: z.string(),
      state: z.string(),
      from: z.array(z.string()),
      why: z.string().nullable(),
    }),
  ),
});

describe('a whole place', () => {
  let pristine: string;
  let folder: string;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'x'.repeat(50_000));
    made = await makeSite({
      folder,
      // Fixed days: nothing of them is over.
      retention: { prune: false },
      sources: { stack: { type: 'files', group: 'configs', paths: [data] } },
      destinations: {
        vault: { type: 'directory', path: path.join(folder, 'vault') },
        remote: { type: 'directory', path: path.join(folder, 'remote') },
      },
    });
    for (const day of ['21', '22']) {
      const scheduled = `2026-11-${day}T02:00:00Z`;
      await writeFile(path.join(data, `of-${day}`), day.repeat(1000));
      const run = { runId: `daily-${scheduled}`, scheduled, attempt: 1, busy: 0 };
      const { backup } = await captureBackup({
        site: made.site,
        source: 'stack',
        tier: 'daily',
        ...run,
        work: testWork(),
      });
      for (const destination of ['vault', 'remote'])
        await copyToDestination({ site: made.site, backup, destination, work: testWork() });
    }
    pristine = path.join(folder, 'pristine');
    for (const place of ['repository', 'vault', 'remote'])
      await cp(path.join(folder, place), path.join(pristine, place), { recursive: true, verbatimSymlinks: true });
  });
  beforeEach(async () => {
    for (const place of ['repository', 'vault', 'remote']) {
      await rm(at(place), { recursive: true, force: true });
      await cp(path.join(pristine, place), at(place), { recursive: true, verbatimSymlinks: true });
    }
  });
  afterEach(endChildren);
  after(cleanUp);

  function at(place: string, ...parts: readonly string[]): string {
    return path.join(folder, place, ...parts);
  }

  function run(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', made.file, '--json', ...args]);
  }

  async function verify(...args: readonly string[]) {
    const ended = await run('verify', ...args);
    return { code: ended.code, ...placeVerdict.parse(JSON.parse(ended.stdout)) };
  }

  async function repair(...args: readonly string[]) {
    const ended = await run('copies', 'repair', ...args);
    return { code: ended.code, ...repaired.parse(JSON.parse(ended.stdout)) };
  }

  async function flip(file: string, byte = 300): Promise<void> {
    const bytes = await readFile(file);
    bytes[byte] = (bytes[byte] ?? 0) ^ 1;
    await writeFile(file, bytes);
  }

  async function contents(place: string): Promise<Readonly<Record<string, string>>> {
    const keys = (await keysIn(at(place))).filter((key) => !key.startsWith('evidence/'));
    const entries = keys.map(async (key) => [key, (await readFile(at(place, key))).toString('base64')] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  it('is verified: every backup, with its evidence there', async () => {
    for (const args of [['--all'], ['--destination', 'vault']]) {
      const { code, verdict, backups, problems } = await verify(...args);
      assert.deepEqual([code, verdict, backups, problems], [0, 'ok', 2, []]);
    }
    const evidence = (await keysIn(at('vault'))).filter((key) => key.startsWith('evidence/'));
    assert.equal(evidence.length, 2);
    const deep = await verify('--destination', 'vault', '--deep');
    assert.deepEqual([deep.code, deep.problems], [0, []]);
  });

  it('tells damaged, wrongly signed, missing and extra from each other, with exit status 9', async () => {
    await flip(at('vault', FULL, 'base.tar.zst.age'));
    const manifest = at('vault', CHILD, 'manifest.json');
    await writeFile(
      manifest,
      (await readFile(manifest, 'utf8')).replace('"crash"', '"quiesced"').replace('"fuzzy"', '"quiesced"'),
    );
    await mkdir(at('vault', 'configs/stack/20261120T020000Z-full'));
    await writeFile(at('vault', 'configs/stack/20261120T020000Z-full/base.tar.zst.age'), 'cut off');
    await writeFile(at('vault', 'holiday.jpg'), 'not ours');
    const found = await verify('--destination', 'vault');
    assert.equal(found.code, 9);
    const words = found.problems.map(({ problem, of }) => `${problem} ${of}`).toSorted();
    assert.deepEqual(words, [
      'damaged daily/stack/20261121T020000Z-full',
      'extra configs/stack/20261120T020000Z-full',
      'extra holiday.jpg',
      'wrongly-signed daily/stack/20261122T020000Z-incremental',
    ]);
    await rm(at('vault', CHILD), { recursive: true });
    const missing = (await verify('--destination', 'vault')).problems.filter(({ problem }) => problem === 'missing');
    assert.deepEqual(
      missing.map(({ of }) => of),
      [CHILD],
    );
    await writeFile(at('vault', FULL, 'manifest.json'), 'no JSON');
    const unread = (await verify('--destination', 'vault')).problems.find(({ of }) => of === FULL);
    assert.match(unread?.found.join() ?? '', /manifest: The manifest is not JSON/);
  });

  it('tells what anybody may delete, where a place is to lock what it holds', async () => {
    const { site } = made;
    const [store, repository] = [openDestination('vault', site), await openRepository(site)];
    const open = `${FULL}/base.tar.zst.age`;
    // No folder has locks: how a place is asked for them stands in for one that has.
    const lockedUntil = async (key: string) => (key === open ? null : new Date(Date.now() + 60_000));
    const work = testWork();
    const request = {
      site,
      store: { ...store, lockedUntil },
      destination: 'vault',
      repository,
      others: [],
      tell: () => {},
      work,
    };
    const { problems } = await verifyPlace(request);
    assert.deepEqual(problems, [
      { problem: 'unlocked', of: 'daily/stack/20261121T020000Z-full', found: ['base.tar.zst.age: not locked'] },
    ]);
  });

  it('tells of a file that cannot be read, and goes on with the others; a restore names another copy', async () => {
    const artifact = at('vault', CHILD, 'base.tar.zst.age');
    await rm(artifact);
    await mkdir(artifact);
    const { code, problems } = await verify('--destination', 'vault');
    assert.deepEqual(
      [code, problems.map(({ problem, of }) => `${problem} ${of}`)],
      [9, ['damaged daily/stack/20261122T020000Z-incremental']],
    );
    assert.match(problems[0]?.found.join() ?? '', /base\.tar\.zst\.age: .* could not be read/);
    const ended = await run('restore', 'stack/20261122', '--from', 'vault', '--to', at('restored'));
    assert.notEqual(json(ended).error?.code, 'bug', ended.stdout);
    assert.match(json(ended).error?.remedy ?? '', /--from (?:repository|remote)/);
    await rm(at('vault', FULL, 'key.age'));
    await mkdir(at('vault', FULL, 'key.age'));
    const checked = await run('keys', 'check');
    assert.equal(checked.code, 9, checked.stdout);
    const rotated = await run('keys', 'rotate', '--direct');
    assert.equal(rotated.code, 3, rotated.stdout);
    const both = await verify('--destination', 'vault');
    assert.deepEqual([both.code, both.problems.length], [9, 2]);
    const mended = await repair('--to', 'vault', '--yes');
    assert.deepEqual([mended.code, mended.repairs.map(({ state }) => state)], [9, ['not repaired', 'not repaired']]);
  });

  it('says of what a stranger has put there that it is none of ours, and restores what is', async () => {
    const forged = 'configs/stack/20261125T020000Z-full';
    await cp(at('vault', FULL), at('vault', forged), { recursive: true });
    const file = at('vault', forged, 'manifest.json');
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replaceAll('2026-11-21T02', '2026-11-25T02').replaceAll('20261121T', '20261125T'),
    );
    const status = await run('status');
    assert.match(status.stdout, /"status\.strange"[^}]*20261125T020000Z-full is newer than all that counts/);
    assert.match(status.stdout, /"newest": "daily\/stack\/20261122T020000Z-incremental"/);
    const restored = await run(
      'restore',
      'latest',
      '--source',
      'stack',
      '--from',
      'vault',
      '--to',
      at('restored-ours'),
    );
    assert.equal(restored.code, 0, restored.stdout);
    assert.match(restored.stdout, /"reference": "daily\/stack\/20261122T020000Z-incremental"/);
  });

  it('takes what retention deletes meanwhile for neither damaged nor missing', async () => {
    const { site } = made;
    const [store, repository] = [openDestination('vault', site), await openRepository(site)];
    let pruned = false;
    const digest: typeof store.digest = async (key, work) => {
      if (key.startsWith(FULL) && !pruned) {
        pruned = true;
        for (const place of ['repository', 'vault'])
          for (const each of [CHILD, FULL]) await rm(at(place, each), { recursive: true });
      }
      return store.digest(key, work);
    };
    const request = {
      site,
      store: { ...store, digest },
      destination: 'vault',
      repository,
      others: [],
      work: testWork(),
    };
    const { problems } = await verifyPlace({ ...request, tell: () => {} }).catch((error: unknown) => {
      assert.equal(error instanceof BackupError && error.code, 'not-found');
      return { problems: [] };
    });
    assert.deepEqual([pruned, problems], [true, []]);
    assert.deepEqual(
      (await keysIn(at('vault'))).filter((key) => key.startsWith('evidence/')),
      [],
      'no verdict on what is gone',
    );
  });

  it('what is only left over harms nothing: exit status 0', async () => {
    await writeFile(at('vault', 'holiday.jpg'), 'not ours');
    const { code, verdict, problems } = await verify('--destination', 'vault');
    assert.deepEqual([code, verdict, problems.map(({ problem }) => problem)], [0, 'ok', ['extra']]);
  });

  it('a place that holds nothing is never called right', async () => {
    await rm(at('vault', 'configs'), { recursive: true });
    const missing = await verify('--destination', 'vault');
    assert.deepEqual([missing.code, missing.problems.map(({ of }) => of)], [9, [FULL, CHILD]]);
    for (const place of ['repository', 'vault']) await rm(at(place, 'configs'), { recursive: true, force: true });
    for (const args of [['--all'], ['--destination', 'vault'], ['--destination', 'remote', '--source', 'stack']]) {
      if (args.includes('remote')) await rm(at('remote', 'configs'), { recursive: true });
      const ended = await run('verify', ...args);
      assert.deepEqual([ended.code, json(ended).error?.code], [6, 'not-found'], ended.stdout);
    }
  });

  it('without a backup, a destination or --all nothing is guessed', async () => {
    for (const args of [['verify'], ['verify', 'latest', '--all']]) {
      const ended = await run(...args);
      assert.equal(ended.code, 2);
      assert.match(json(ended).error?.remedy ?? '', /--all/);
    }
  });

  it('repair brings every kind of damage right from another place, and changes nothing before --yes', async () => {
    const good = await contents('vault');
    await flip(at('vault', FULL, 'base.tar.zst.age'));
    await rm(at('vault', FULL, 'inventory.zst.age'));
    await writeFile(at('vault', CHILD, 'manifest.json'), 'no JSON');
    await flip(at('vault', CHILD, 'key.age'), 100);
    await verify('--destination', 'vault');
    const damaged = await contents('vault');
    const plan = await repair('--to', 'vault');
    assert.equal(plan.code, 0);
    assert.deepEqual(new Set(plan.repairs.map(({ state }) => state)), new Set(['to repair']));
    assert.deepEqual(await contents('vault'), damaged);
    const done = await repair('--to', 'vault', '--yes');
    assert.deepEqual(
      [done.code, done.repairs.map(({ state }) => state)],
      [0, ['repaired', 'repaired']],
      JSON.stringify(done),
    );
    assert.deepEqual(await contents('vault'), good);
    assert.deepEqual((await verify('--destination', 'vault')).problems, []);
    assert.deepEqual((await repair()).repairs, [], 'the evidence of the repair counts now');
  });

  it('repairs the repository from a destination, and a backup that is named also where it is gone', async () => {
    const good = await contents('repository');
    await flip(at('repository', FULL, 'base.tar.zst.age'));
    await rm(at('repository', CHILD), { recursive: true });
    await flip(at('vault', FULL, 'base.tar.zst.age'));
    const done = await repair('stack/20261122', '--to', 'repository', '--yes');
    assert.equal(done.code, 0, JSON.stringify(done));
    assert.deepEqual(
      done.repairs.map(({ state, from }) => [state, from]),
      [
        ['repaired', ['remote']],
        ['repaired', ['vault']],
      ],
      'the damaged copy at vault is taken for nothing',
    );
    assert.deepEqual(await contents('repository'), good);
  });

  it('is refused, and nothing is changed, where every copy is damaged', async () => {
    for (const place of ['repository', 'vault', 'remote']) await flip(at(place, FULL, 'base.tar.zst.age'));
    const before = await contents('vault');
    const { code, repairs } = await repair('stack/20261121', '--to', 'vault', '--yes');
    assert.equal(code, 9);
    assert.equal(repairs[0]?.state, 'not repaired');
    assert.match(repairs[0].why ?? '', /no other place .* holds a good base\.tar\.zst\.age; nothing was changed/);
    assert.deepEqual(await contents('vault'), before);
  });

  it('takes only from the place that is named, and says where that is damaged too', async () => {
    for (const place of ['vault', 'remote']) await flip(at(place, FULL, 'base.tar.zst.age'));
    const from = await repair('stack/20261121', '--to', 'vault', '--from', 'remote', '--yes');
    assert.deepEqual([from.code, from.repairs[0]?.state], [9, 'not repaired']);
    assert.equal((await repair('stack/20261121', '--to', 'vault', '--from', 'repository', '--yes')).code, 0);
  });

  it('says why where writing is refused, and the good objects stay', async () => {
    await flip(at('vault', FULL, 'base.tar.zst.age'));
    const before = await contents('vault');
    plugIn(at('vault'), at('vault'));
    try {
      execFileSync('mount', ['-o', 'remount,bind,ro', at('vault')]);
      const { code, repairs } = await repair('stack/20261121', '--to', 'vault', '--yes');
      assert.deepEqual([code, repairs[0]?.state], [9, 'not repaired']);
      assert.match(repairs[0]?.why ?? '', /mounted read-only .* Look in `dmesg`/);
    } finally {
      unmount(at('vault'));
    }
    assert.deepEqual(await contents('vault'), before);
  });

  it('killed in the middle of a repair, the next one ends well', async () => {
    const good = await contents('vault');
    await flip(at('vault', FULL, 'base.tar.zst.age'));
    await flip(at('vault', FULL, 'inventory.zst.age'));
    const child = startChild(REPAIR_CHILD, { file: made.file, folder: FULL });
    await child.stopped();
    await child.signal('SIGKILL');
    assert.equal((await verify('--destination', 'vault')).code, 9, 'it was in the middle');
    const done = await repair('stack/20261121', '--to', 'vault', '--yes');
    assert.equal(done.code, 0, JSON.stringify(done));
    assert.deepEqual(await contents('vault'), good);
  });
});
