import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Program, Streamed } from '../../../activities/streams/types.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { assertGone, expectedOf, failure, ownChildren, read, shell, write } from './artifacts.ts';

/** A program that promotes what it read only on a word that comes through its gate. */
describe('the gate of the last program', () => {
  ownChildren();
  let folder = '';
  let file = '';
  let promoted = '';
  let written: Streamed;

  before(async () => {
    folder = await temporaryFolder();
    file = path.join(folder, 'good.zst.age');
    written = await write(shell('head -c 700000 /dev/urandom'), file);
  });
  beforeEach(() => {
    promoted = path.join(folder, `promoted-${Math.random()}`);
  });
  after(cleanUp);

  /** As psql does with a script and a COMMIT: it takes all, then waits for the word. */
  function keeper(more: Partial<Program> = {}): Program {
    const script = 'cat >/dev/null; word=$(cat /dev/fd/3); test "$word" != COMMIT || touch "$0"';
    return { command: 'sh', args: ['-c', script, promoted], gate: 'COMMIT', ...more };
  }

  it('opens when every byte was right and every program before it ended well', async () => {
    await read(file, { ...expectedOf(written), plainBytes: 700_000 }, [shell('cat'), keeper()]);
    assert.equal(readFileSync(promoted, 'utf8'), '');
  });

  it('P40 stays shut on a byte flipped near the end, of which the program before it never needed one', async () => {
    const other = path.join(folder, 'flipped.zst.age');
    const bytes = readFileSync(file);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
    writeFileSync(other, bytes);
    // It has all it wants long before; only what it leaves is damaged.
    const early = shell('head -c 1000 && exec cat >/dev/null');
    await failure(read(other, written, [early, keeper()]), 'verification-failed');
    assertGone(promoted);
  });

  it('P40 stays shut where only the digest or the count of plain bytes differs', async () => {
    const early = shell('head -c 1000 && exec cat >/dev/null');
    await failure(
      read(file, { ...expectedOf(written), sha256: '0'.repeat(64) }, [early, keeper()]),
      'verification-failed',
    );
    await failure(
      read(file, { ...expectedOf(written), plainBytes: 699_999 }, [early, keeper()]),
      'verification-failed',
    );
    assertGone(promoted);
  });

  it('blames the last program where that fails early, and not the artifact that it then leaves unread', async () => {
    // More than the pipes take: what feeds the first program always meets a broken pipe.
    const bytes = 16_000_000;
    const large = path.join(folder, 'large.zst.age');
    const expected = { ...expectedOf(await write(shell(`head -c ${bytes} /dev/urandom`), large)), plainBytes: bytes };
    for (let times = 0; times < 5; times += 1) {
      const refusing = { ...shell('head -c 10 >/dev/null; echo refused >&2; exit 3'), gate: 'COMMIT' };
      const error = await failure(read(large, expected, [shell('cat'), refusing]), 'program-failed');
      assert.match(error.message, /refused/);
    }
  });

  it('stays shut when a program before it fails after the last byte', async () => {
    const error = await failure(read(file, written, [shell('cat; exit 7'), keeper()]), 'program-failed');
    assert.match(error.message, /exit status 7|status 7|7/);
    assertGone(promoted);
  });
});
