import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { blocksOf, fileStream, openFileStream } from '../../../activities/streams/blocks-of.ts';
import { digestOf } from '../../../activities/streams/digest.ts';
import { openPipes } from '../../../activities/streams/pipes.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { testWork } from '../../support/work.ts';

const BLOCK = 512 * 1024;

describe('reading a file in blocks of reused memory', () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(cleanUp);

  async function fileOf(bytes: number): Promise<{ readonly file: string; readonly content: Buffer }> {
    const file = path.join(folder, `of-${bytes}`);
    const content = randomBytes(bytes);
    await writeFile(file, content);
    return { file, content };
  }

  for (const bytes of [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 17]) {
    it(`gives all of it and no more: ${bytes} bytes`, async () => {
      const { file, content } = await fileOf(bytes);
      const came: Buffer[] = [];
      for await (const block of blocksOf(await openFileStream(file))) came.push(Buffer.from(block));
      assert.ok(Buffer.concat(came).equals(content));
    });
  }

  for (const when of ['before it begins', 'in its middle'] as const) {
    it(`fails, and ends no process, where it is aborted ${when}`, async () => {
      const { file } = await fileOf(9 * BLOCK);
      const abort = new AbortController();
      const work = { ...testWork(), signal: abort.signal };
      if (when === 'before it begins') abort.abort();
      const stream = await openFileStream(file);
      // The first block is out, and the second is being read.
      if (when === 'in its middle') setImmediate(() => abort.abort());
      await isBackupError(digestOf(stream, work, 'testing'), 'aborted');
    });
  }

  it('mixes nothing up on its way into a pipe that is read slowly', async () => {
    const { file, content } = await fileOf(9 * BLOCK + 1000);
    const [pipe] = await openPipes(1);
    assert.ok(pipe);
    // Small reads with pauses: the pipe is full all the time, and each block is written in many parts.
    const script = 'while (sysread STDIN, $x, 40000) { syswrite STDOUT, $x; select undef, undef, undef, 0.001 }';
    const slow = spawn('perl', ['-e', script], { stdio: [pipe.read, 'pipe', 'inherit'] });
    closeSync(pipe.read);
    const hash = createHash('sha256');
    const read = pipeline(slow.stdout ?? Readable.from([]), hash);
    await pipeline(
      blocksOf(await openFileStream(file)),
      new Socket({ fd: pipe.write, readable: false, writable: true }),
    );
    await read;
    assert.equal(hash.digest('hex'), createHash('sha256').update(content).digest('hex'));
  });

  it('closes the file at the end, when it is left early, and when it is destroyed', async () => {
    const { file } = await fileOf(3 * BLOCK);
    for (const how of ['end', 'leave', 'destroy'] as const) {
      const handle = await open(file, 'r');
      const source = fileStream(file, handle);
      const closed = once(source, 'close');
      const reading = (async () => {
        for await (const block of blocksOf(source)) {
          assert.equal(block.length, BLOCK);
          if (how === 'leave') return;
          if (how === 'destroy') source.destroy();
        }
      })();
      if (how === 'destroy') await assert.rejects(reading);
      else await reading;
      await closed;
      assert.equal(handle.fd, -1, how);
    }
  });

  it('a file that cannot be read fails it, as does any other stream', async () => {
    await assert.rejects(openFileStream(path.join(folder, 'nothing')), { code: 'ENOENT' });
    const directory = await openFileStream(folder);
    await assert.rejects(text(blocksOf(directory)), { code: 'EISDIR' });
    const broken = new Readable({ read: () => broken.destroy(new Error('cut off')) });
    await assert.rejects(text(blocksOf(broken)), /cut off/);
  });

  it('takes other streams as they come', async () => {
    assert.equal(await text(blocksOf(Readable.from([Buffer.from('one '), Buffer.from('two')]))), 'one two');
  });
});
