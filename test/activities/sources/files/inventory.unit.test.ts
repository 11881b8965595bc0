import assert from 'node:assert/strict';
import {
  formatEntry,
  formatGone,
  formatHeader,
  formatPart,
  lineQueue,
  readInventory,
} from '../../../../activities/sources/files/inventory.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import type { FileEntry } from '../../../../model/inventory.ts';
import { BackupError } from '../../../../model/errors.ts';
import { testBackup } from '../../../support/backups.ts';

const FILE: FileEntry = { path: 'd/a', type: 'file', size: 1, mode: '600', uid: 0, gid: 0, mtime: '1.000000000' };

describe('inventories of files', () => {
  /** A backup whose inventory has these lines. */
  function backupWith(...lines: readonly string[]): BackupReader {
    return {
      manifest: testBackup().manifest,
      into: () => Promise.resolve(),
      through: () => Promise.resolve(),
      async *lines() {
        yield* lines;
      },
      seal: (text) => text,
    };
  }

  async function read(...lines: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const entries = await readInventory(backupWith(formatHeader('stack'), ...lines));
    return Object.fromEntries(Array.from(entries.values(), ({ path, part }) => [path, part]));
  }

  function file(path: string): string {
    return formatEntry({ ...FILE, path });
  }

  it('have lines that are the JSON of their entries', () => {
    const entry = { ...FILE, path: 'a"\n\udcff', type: 'symlink', target: 'x\\', unsettled: true } as const;
    assert.deepEqual(JSON.parse(formatEntry(entry)), entry);
  });

  it('say which backup of the chain has each entry', async () => {
    assert.deepEqual(await read(formatPart('x'), file('a'), file('b'), formatPart('y'), file('b')), { a: 0, b: 1 });
  });

  it('forget what is gone, and all below it, until it comes again', async () => {
    const first = [formatPart('x'), file('d'), file('d/a'), file('d/a/b'), file('da'), file('e/f')];
    assert.deepEqual(await read(...first, formatPart('y'), formatGone('d'), formatGone('e/f')), { da: 0 });
    assert.deepEqual(await read(...first, formatPart('y'), formatGone('d/a'), formatPart('z'), file('d/a')), {
      d: 0,
      da: 0,
      'e/f': 0,
      'd/a': 2,
    });
  });

  it('that are not what they should be fail', async () => {
    await assert.rejects(read('{"path":'), BackupError);
    await assert.rejects(read('{"path":"a"}'));
    await assert.rejects(readInventory(backupWith('{"schema":"something else"}')));
  });

  it('are written from what comes, in order, with the error that ended it', async () => {
    const queue = lineQueue();
    queue.push('1');
    queue.push('2\n3');
    setTimeout(() => queue.push('4'), 5);
    setTimeout(() => queue.end(new Error('stopped')), 10);
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const lines of queue) seen.push(...lines.split('\n'));
    }, /stopped/);
    assert.deepEqual(seen, ['1', '2', '3', '4']);
  });
});
