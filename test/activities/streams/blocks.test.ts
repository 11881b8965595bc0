import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBlocks } from '../../../activities/streams/blocks.ts';
import { digestFile, digestOf } from '../../../activities/streams/digest.ts';
import { openPipes } from '../../../activities/streams/pipes.ts';
import { testWork } from '../../support/work.ts';
import { failure } from './artifacts.ts';

/** A pipe that a program writes. */
async function pipeFrom(command: string, args: readonly string[]): Promise<{ read: number; ended: Promise<unknown> }> {
  const [pipe] = await openPipes(1);
  assert.ok(pipe);
  const child = spawn(command, args, { stdio: ['ignore', pipe.write, 'ignore'] });
  const ended = once(child, 'exit');
  closeSync(pipe.write);
  return { read: pipe.read, ended };
}

describe('reading a pipe in blocks', () => {
  const never = new AbortController().signal;

  it('has pipes of 1 MiB', async () => {
    const pipes = await openPipes(2);
    for (const { read, write } of pipes) {
      const asked = spawnSync('perl', ['-e', 'print fcntl(STDIN, 1032, 0)'], { stdio: [read, 'pipe', 'inherit'] });
      assert.equal(asked.stdout.toString(), '1048576');
      closeSync(read);
      closeSync(write);
    }
  });

  for (const pause of [0, 5]) {
    it(`loses nothing and mixes nothing up while blocks are taken ${pause ? 'slowly' : 'at once'}`, async () => {
      const script = '$x = join "", map { sprintf "%07d\\n", $_ } 1 .. 500000; print $x';
      const { read } = await pipeFrom('perl', ['-e', script]);
      const hash = createHash('sha256');
      let arrived = 0;
      let taken = 0;
      await readBlocks(read, never, {
        onBytes: (bytes) => (arrived += bytes),
        async take(block) {
          if (pause) await sleep(pause);
          hash.update(block);
          taken += block.length;
        },
      });
      const expected = createHash('sha256');
      for (let line = 1; line <= 500_000; line += 1) expected.update(`${String(line).padStart(7, '0')}\n`);
      assert.deepEqual([arrived, taken], [4_000_000, 4_000_000]);
      assert.equal(hash.digest('hex'), expected.digest('hex'));
    });
  }

  it('stops reading while nobody takes what it has', async () => {
    const { read } = await pipeFrom('cat', ['/dev/zero']);
    const gate = new AbortController();
    let arrived = 0;
    const reading = readBlocks(read, gate.signal, {
      onBytes: (bytes) => (arrived += bytes),
      take: () => sleep(300),
    });
    await sleep(250);
    assert.ok(arrived <= 2 * 512 * 1024, `${arrived} bytes`);
    gate.abort();
    await assert.rejects(reading, { name: 'AbortError' });
  });

  it('fails with what taking fails with', async () => {
    const { read, ended } = await pipeFrom('cat', ['/dev/zero']);
    const take = () => Promise.reject(new RangeError('full'));
    await assert.rejects(readBlocks(read, never, { onBytes: () => undefined, take }), RangeError);
    assert.deepEqual(await ended, [null, 'SIGPIPE']);
  });
});

describe('digests', () => {
  it('are of all bytes', async () => {
    const work = testWork();
    const stored = await digestOf(Readable.from([Buffer.from('ab'), Buffer.from('c')]), work, 'checking');
    assert.deepEqual(stored, { bytes: 3, sha256: createHash('sha256').update('abc').digest('hex') });
    assert.equal(work.reports.at(-1)?.bytes, 3);
  });

  it('fail when cancelled, at a standstill, and where there is nothing', async () => {
    const work = testWork();
    const cancelled = failure(digestOf(new PassThrough(), work, 'checking'), 'aborted');
    work.abort();
    await cancelled;
    await failure(digestOf(new PassThrough(), testWork({ standstill: 100 }), 'checking'), 'standstill');
    await failure(digestFile('/no/such/file', testWork(), 'checking'), 'not-found');
  });
});
