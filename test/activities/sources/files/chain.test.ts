/** Chains of a full and incrementals: each restores the source as it was. */
import assert from 'node:assert/strict';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { globOf } from '../../../../activities/sources/files/patterns.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { filesSite, type FilesSite } from './site.ts';
import { fingerprint, write } from './tree.ts';

type Edit = readonly [
  what: 'write' | 'folder' | 'move' | 'remove' | 'link' | 'symlink' | 'swap' | 'touch',
  first: string,
  second: string,
];

const name = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.constantFrom('write', 'write', 'folder', 'move', 'remove', 'link', 'symlink', 'swap', 'touch'),
  name,
  name,
);
const steps = fc.array(fc.array(edit, { minLength: 1, maxLength: 8 }), { minLength: 3, maxLength: 4 });

/** Applies an edit; one that makes no sense (no such file, a folder into itself) does nothing. */
function apply(root: string, [what, first, second]: Edit, content: string): void {
  const [one, two, aside] = [path.join(root, first), path.join(root, second), path.join(root, 'aside')];
  try {
    if (what === 'write') {
      rmSync(one, { force: true });
      writeFileSync(one, content);
    } else if (what === 'folder') mkdirSync(one, { recursive: true });
    else if (what === 'move') renameSync(one, two);
    else if (what === 'remove') rmSync(one, { recursive: true });
    else if (what === 'link') linkSync(one, two);
    else if (what === 'symlink') symlinkSync(second, one);
    else if (what === 'touch') utimesSync(one, 1_000_000_000, 1_000_000_000);
    else {
      renameSync(one, aside);
      renameSync(two, one);
      renameSync(aside, two);
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    rmSync(aside, { recursive: true, force: true });
  }
}

describe('chains of incrementals', () => {
  let source: string;
  let site: FilesSite;

  beforeEach(async () => {
    source = await temporaryFolder({ onDisk: true });
    site = await filesSite([source]);
  });
  after(cleanUp);

  async function assertRestores(): Promise<void> {
    const restored = await site.restore();
    assert.equal(fingerprint(path.join(restored, source)), fingerprint(source));
    assert.deepEqual(
      (await site.prove()).filter(({ ok }) => !ok),
      [],
    );
  }

  it('restore the source as it was at each step, whatever was edited in between', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (edits) => {
        source = await temporaryFolder({ onDisk: true });
        site = await filesSite([source]);
        for (const [step, each] of edits.entries()) {
          each.forEach((one, index) => apply(source, one, `${step}.${index}`));
          const manifest = await site.capture();
          assert.equal(manifest.kind, step === 0 ? 'full' : 'incremental');
          await assertRestores();
        }
        await assertPathRestores();
      }),
      { numRuns: 3, endOnFailure: true },
    );
  });

  /** Some path of the source, taken alone out of the backup. */
  async function assertPathRestores(): Promise<void> {
    const [first] = readdirSync(source);
    if (first === undefined) return;
    const deeper = lstatSync(path.join(source, first)).isDirectory()
      ? readdirSync(path.join(source, first))[0]
      : undefined;
    const wanted = path.join(source, first, deeper ?? '');
    const restored = await site.restore({ paths: [wanted] });
    assert.deepEqual(readdirSync(path.join(restored, source)), [first]);
    if (!lstatSync(wanted).isDirectory())
      assert.equal(lstatSync(path.join(restored, wanted)).mtimeMs, lstatSync(wanted).mtimeMs);
    else assert.equal(contents(path.join(restored, wanted)), contents(wanted));
  }

  /** Without link counts: names of a file that were not asked for are not there. */
  function contents(folder: string): string {
    return fingerprint(folder).replaceAll(/\|\d+\|(\d*)$/gm, '|$1');
  }

  it('replay deletions, moves, and folders that become files and files that become folders', async () => {
    write(source, 'deleted/with/content');
    write(source, 'file becomes folder');
    write(source, 'folder becomes file/content');
    write(source, 'moved/deep/content');
    write(source, 'stays');
    await site.capture();
    rmSync(path.join(source, 'deleted'), { recursive: true });
    rmSync(path.join(source, 'file becomes folder'));
    renameSync(path.join(source, 'moved'), path.join(source, 'file becomes folder'));
    rmSync(path.join(source, 'folder becomes file'), { recursive: true });
    write(source, 'folder becomes file', 'now a file');
    const manifest = await site.capture();
    assert.equal(manifest.kind, 'incremental');
    assert.deepEqual(manifest.warnings, []);
    await assertRestores();
  });

  it('store only what has changed, and list everything', async () => {
    write(source, 'big', Buffer.alloc(3_000_000, 7));
    write(source, 'dir/unchanged');
    write(source, 'dir/ünï "quoted"\n');
    // Files of the last second before a backup are stored again, to be sure.
    await sleep(1_100);
    const full = await site.capture();
    write(source, 'dir/changed');
    const incremental = await site.capture();
    assert.ok((plainBytes(full.artifacts) ?? 0) > 3_000_000);
    assert.ok((plainBytes(incremental.artifacts) ?? 0) < 100_000);
    const entries = await site.inventory();
    const marks = Array.from(entries.values(), (entry) => {
      return `${path.relative(source, `/${entry.path}`)} ${entry.type} ${entry.part}`;
    });
    assert.deepEqual(marks.toSorted(), [
      ' directory 1',
      'big file 0',
      'dir directory 1',
      'dir/changed file 1',
      'dir/unchanged file 0',
      'dir/ünï "quoted"\n file 0',
    ]);
    assert.equal(entries.get(`${source.slice(1)}/big`)?.size, 3_000_000);
  });

  it('begin anew after the number of incrementals, and without a warning then', async () => {
    write(source, 'x');
    const kinds: string[] = [];
    for (const _ of [1, 2, 3, 4]) {
      const manifest = await site.capture({ incrementals: 1 });
      kinds.push(manifest.kind);
      assert.deepEqual(manifest.warnings, []);
    }
    assert.deepEqual(kinds, ['full', 'incremental', 'full', 'incremental']);
  });

  it('begin anew when paths or exclude change: an incremental would miss old files', async () => {
    write(source, 'x');
    write(source, 'cache/y');
    await site.capture({ exclude: ['cache'] });
    const manifest = await site.capture({ exclude: [] });
    assert.equal(manifest.kind, 'full');
    assert.match(manifest.warnings[0]?.message ?? '', /exclude in the config have changed/);
    assert.equal(manifest.warnings[0]?.partial, false);
    await assertRestores();
  });

  it('begin anew, with a warning, when state is lost', async () => {
    write(source, 'x');
    await site.capture();
    rmSync(site.state, { recursive: true });
    const manifest = await site.capture();
    assert.equal(manifest.kind, 'full');
    assert.match(manifest.warnings[0]?.message ?? '', /is not in .* any more/);
  });

  it('begin anew after an attempt that met a damaged state', async () => {
    write(source, 'x');
    await site.capture();
    const list = readdirSync(site.state).find((each) => each.startsWith('list-'));
    truncateSync(path.join(site.state, list ?? ''), 20);
    await assert.rejects(site.capture(), /is damaged, so the next attempt is a full/);
    assert.equal((await site.capture()).kind, 'full');
    await assertRestores();
  });

  it('go on after an attempt that failed: only a sealed backup moves the state on', async () => {
    write(source, 'x');
    await site.capture();
    write(source, 'y');
    const repository = path.join(site.folder, 'repository', 'daily', 'apps', 'tree');
    renameSync(repository, `${repository}.aside`);
    writeFileSync(repository, 'in the way of the seal');
    await assert.rejects(site.capture());
    rmSync(repository);
    renameSync(`${repository}.aside`, repository);
    const manifest = await site.capture();
    assert.equal(manifest.kind, 'incremental');
    await assertRestores();
    assert.equal(readdirSync(site.state).filter((each) => each.endsWith('.snar')).length, 1);
  });

  it('replay deletions also where globs leave things out, and the path has an odd name', async () => {
    const odd = path.join(source, 'so*urce [x] -\'q"');
    const excludes = ['*.log', `${globOf(odd)}/anchored`, 'cache/', 'deep/[a-c]?'];
    for (const name of ['keep', 'goes', 'a.log', 'anchored/x', 'cache/x', 'cache/y/z', 'deep/bb', 'deep/dd'])
      write(odd, name);
    site = await filesSite([odd], { exclude: excludes });
    await site.capture();
    rmSync(path.join(odd, 'goes'));
    write(odd, 'cache/new');
    write(odd, 'new.log');
    assert.equal((await site.capture()).kind, 'incremental');
    const restored = path.join(await site.restore(), odd);
    for (const name of ['a.log', 'new.log', 'anchored', 'cache/x', 'cache/y', 'cache/new', 'deep/bb'])
      rmSync(path.join(odd, name), { recursive: true });
    assert.deepEqual(names(restored), names(odd));
    assert.deepEqual(
      (await site.prove()).filter(({ ok }) => !ok),
      [],
    );
  });

  function names(folder: string): readonly string[] {
    return readdirSync(folder, { recursive: true }).map(String).toSorted();
  }

  it('hold what is changed right after a backup', async () => {
    for (const step of [0, 1, 2, 3]) {
      write(source, 'x', `content ${step}`);
      await site.capture();
      const restored = await site.restore();
      assert.equal(fingerprint(path.join(restored, source)), fingerprint(source));
    }
  });
});

function plainBytes(artifacts: readonly { readonly role: string; readonly plainBytes: number }[]): number | undefined {
  return artifacts.find(({ role }) => role === 'base')?.plainBytes;
}
