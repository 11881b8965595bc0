import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { newIdentity } from '../../../activities/keys/identity.ts';
import { openFileStream } from '../../../activities/streams/blocks-of.ts';
import { DEFAULT_COMPRESSION } from '../../../activities/streams/compression.ts';
import { digestFile } from '../../../activities/streams/digest.ts';
import { readLines, readStream } from '../../../activities/streams/read.ts';
import type { Streamed } from '../../../activities/streams/types.ts';
import { writeLines } from '../../../activities/streams/write.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { testWork } from '../../support/work.ts';
import { expectedOf, failure, KEYS, ownChildren, read, shell, write } from './artifacts.ts';

const NOWHERE = { command: 'cat', args: [] };
const CHUNK = 65_536;

describe('reading an artifact', () => {
  const children = ownChildren();
  let folder = '';
  let file = '';
  let written: Streamed;
  before(async () => {
    folder = await temporaryFolder();
    file = path.join(folder, 'good.zst.age');
    written = await write(shell('head -c 700000 /dev/urandom'), file);
  });
  after(cleanUp);

  /** The artifact with something done to it. */
  function damaged(change: (bytes: Buffer) => Buffer): string {
    const other = path.join(folder, 'damaged.zst.age');
    writeFileSync(other, change(Buffer.from(readFileSync(file))));
    return other;
  }

  function flipped(at: number): string {
    return damaged((bytes) => {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    });
  }

  for (const [where, at] of [
    ['header', 30],
    ['beginning', 400],
    ['middle', 350_000],
    ['end', 700_100],
  ] as const) {
    it(`P40 one flipped bit fails it: ${where}`, async () => {
      await failure(read(flipped(at), written, NOWHERE), 'verification-failed');
    });
  }

  for (const [where, size] of [
    ['empty', 0],
    ['in the header', 100],
    ['in a chunk', 300_000],
    ['one byte short', -1],
  ] as const) {
    it(`P40 truncation fails it: ${where}`, async () => {
      const cut = damaged((bytes) => bytes.subarray(0, size));
      await failure(read(cut, written, NOWHERE), 'verification-failed');
      await failure(read(cut, await digestFile(cut, testWork(), ''), NOWHERE), 'verification-failed');
    });
  }

  it('P40 truncation at the boundary of a chunk fails it, also where the manifest tells of the truncated file', async () => {
    const header = readFileSync(file).indexOf('\n', readFileSync(file).indexOf('\n---') + 1) + 1;
    for (const chunks of [1, 5, 10]) {
      const cut = damaged((bytes) => bytes.subarray(0, header + 16 + chunks * (CHUNK + 16)));
      const lied = await digestFile(cut, testWork(), '');
      await failure(read(cut, lied, NOWHERE), 'verification-failed');
    }
  });

  it('P40 an empty age stream fails it, though age itself finds nothing wrong', async () => {
    const empty = path.join(folder, 'empty.age');
    execFileSync('age', ['-r', KEYS.recipient, '-o', empty], { input: '' });
    const error = await failure(read(empty, await digestFile(empty, testWork(), ''), NOWHERE), 'verification-failed');
    assert.equal(error.facts['program'], 'zstd');
  });

  it('P40 a whole file that is longer than it was, or another one, fails it', async () => {
    const longer = damaged((bytes) => Buffer.concat([bytes, Buffer.from('x')]));
    await failure(read(longer, written, NOWHERE), 'verification-failed');
    const other = path.join(folder, 'other.zst.age');
    await write(shell('head -c 700000 /dev/urandom'), other);
    await failure(read(other, written, NOWHERE), 'verification-failed');
  });

  it('P40 a wrong count of plain bytes fails it', async () => {
    const lied = { ...expectedOf(written), plainBytes: 699_999 };
    const error = await failure(read(file, lied, NOWHERE), 'verification-failed');
    assert.match(error.message, /700000 bytes where the manifest says 699999/);
  });

  it('never ends the stdin of a consumer on a damaged artifact as if it were whole', async () => {
    const marker = path.join(folder, 'promoted');
    const consumer = shell('cat >/dev/null && sleep 0.2 && touch "$0"', {});
    const lied = { ...expectedOf(written), sha256: '0'.repeat(64) };
    await failure(read(file, lied, { ...consumer, args: [...consumer.args, marker] }), 'verification-failed');
    assert.throws(() => readFileSync(marker), /ENOENT/);
  });

  it('says that it may be locked to another identity', async () => {
    const { identity } = await newIdentity();
    const error = await failure(read(file, written, NOWHERE, identity), 'verification-failed');
    assert.match(error.message, /locked to another key/);
    assert.doesNotMatch(JSON.stringify(error.facts), /AGE-SECRET-KEY/);
  });

  it('keeps the identity out of arguments and environment', async () => {
    const reading = read(file, written, shell('cat >/dev/null; sleep 0.3'));
    const pid = await children.find('sh');
    const visible = execFileSync('sh', ['-c', 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null || true']);
    assert.ok(pid > 0 && !visible.includes(KEYS.identity.slice(20)));
    await reading;
  });

  it('blames a consumer that fails, ends early, or fills the disk', async () => {
    const failed = await failure(read(file, written, shell('head -c 5; echo no good >&2; exit 4')), 'program-failed');
    assert.equal(failed.message, 'sh failed with exit code 4: no good');
    const early = await failure(read(file, written, { command: 'head', args: ['-c', '5'] }), 'program-failed');
    assert.equal(early.message, 'head stopped reading before the end of its input.');
    await failure(read(file, written, { command: 'dd', args: ['of=/dev/full'] }), 'no-space');
  });

  it('fails with what the source fails with', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield readFileSync(file).subarray(0, 300_000);
      throw new RangeError('the other side is gone');
    }
    const options = { expected: written, identity: KEYS.identity, work: testWork() };
    await assert.rejects(async () => {
      for await (const line of readLines({ ...options, source: Readable.from(broken()) })) assert.ok(line.length >= 0);
    }, RangeError);
  });

  it('closes its source, also where it was cancelled before anything was started', async () => {
    const cancelled = { ...testWork(), signal: AbortSignal.abort() };
    for (const work of [testWork(), cancelled]) {
      const [source, listed] = [await openFileStream(file), await openFileStream(file)];
      const options = { expected: written, identity: KEYS.identity, work };
      await Promise.allSettled([
        readStream({ ...options, source, consumer: NOWHERE }),
        all(readLines({ ...options, source: listed })),
      ]);
      assert.deepEqual([source.destroyed, listed.destroyed], [true, true]);
    }
  });

  describe('as lines', () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index}\r \u2028 ä`);
    let listed: Streamed;
    let list = '';
    before(async () => {
      list = path.join(folder, 'list.zst.age');
      const options = { recipient: KEYS.recipient, compression: DEFAULT_COMPRESSION, minPlainBytes: 1 };
      listed = await writeLines({ ...options, lines, file: list, work: testWork() });
    });

    function readList(expected = listed, source = list): AsyncGenerator<string> {
      const options = { expected, identity: KEYS.identity, work: testWork() };
      return readLines({ ...options, source: createReadStream(source) });
    }

    it('gives back every line', async () => {
      assert.deepEqual(await all(readList()), lines);
    });

    it('may be left early', async () => {
      for await (const line of readList()) {
        assert.equal(line, lines[0]);
        break;
      }
    });

    it('P40 ends with a failure when it is damaged', async () => {
      await failure(all(readList({ ...listed, sha256: '0'.repeat(64) })), 'verification-failed');
      const cut = path.join(folder, 'cut.zst.age');
      writeFileSync(cut, readFileSync(list).subarray(0, -1));
      await failure(all(readList(listed, cut)), 'verification-failed');
    });
  });
});

async function all(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const list: string[] = [];
  for await (const line of lines) list.push(line);
  return list;
}
