/** The comparison of a restored tree with its source. */
import assert from 'node:assert/strict';
import { chmod, cp, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { compareTrees } from '../../../infra/quickstart/compare-files.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const signal = new AbortController().signal;

describe('sample: comparison of trees', () => {
  after(cleanUp);

  async function pair(): Promise<{ readonly source: string; readonly restored: string }> {
    const folder = await temporaryFolder();
    const source = path.join(folder, 'source');
    await mkdir(path.join(source, 'empty'), { recursive: true });
    await writeFile(path.join(source, 'a'), 'one');
    await symlink('a', path.join(source, 'link'));
    const restored = path.join(folder, 'restored');
    await cp(source, restored, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    for (const name of ['.', 'empty', 'a']) await both(source, restored, name);
    return { source, restored };
  }

  it('finds nothing where nothing differs', async () => {
    const { source, restored } = await pair();
    const { entries, files, differences } = await compareTrees(source, restored, signal);
    const meaningful = differences.filter((difference) => !difference.startsWith('link: modified'));
    assert.deepEqual({ entries, files, meaningful }, { entries: 4, files: 1, meaningful: [] });
  });

  it('names each thing that differs', async () => {
    const { source, restored } = await pair();
    await writeFile(path.join(restored, 'a'), 'two');
    await chmod(path.join(restored, 'empty'), 0o700);
    await rm(path.join(restored, 'link'));
    await writeFile(path.join(restored, 'more'), '');
    const { differences } = await compareTrees(source, restored, signal);
    const named = new Set(differences.map((difference) => difference.replace(/ is .*/, '')));
    const expected = ['a: content', 'empty: mode', 'link:', 'more:'];
    assert.deepEqual(
      expected.filter((name) => !named.has(name)),
      [],
    );
  });
});

async function both(source: string, restored: string, name: string): Promise<void> {
  const time = new Date(1_700_000_000_000);
  for (const root of [source, restored]) await utimes(path.join(root, name), time, time);
}
