import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { writeLines } from '../../../activities/streams/write.ts';
import { DEFAULT_COMPRESSION } from '../../../activities/streams/compression.ts';
import { cleanUp, remount, smallFileSystem, temporaryFolder } from '../../support/folders.ts';
import { testWork } from '../../support/work.ts';
import { assertGone, failure, KEYS, ownChildren, read, shell, write } from './artifacts.ts';

const ENDLESS = { command: 'cat', args: ['/dev/urandom'] };

describe('writing an artifact', () => {
  const children = ownChildren();
  let folder = '';
  let number = 0;
  const newFile = () => path.join(folder, `${(number += 1)}.zst.age`);
  before(async () => void (folder = await temporaryFolder()));
  after(cleanUp);

  it('gives back any bytes, with exact counts and the digest of the file', async () => {
    const sizes = fc.oneof(fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 1_048_576), fc.nat(3_000_000));
    const input = path.join(folder, 'input');
    const output = path.join(folder, 'output');
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(255), fc.boolean(), async (size, seed, random) => {
        const bytes = random ? pseudoRandom(size, seed) : Buffer.alloc(size, seed);
        writeFileSync(input, bytes);
        const file = newFile();
        const written = await write({ command: 'cat', args: [input] }, file);
        assert.equal(written.plainBytes, size);
        assert.equal(written.bytes, statSync(file).size);
        assert.equal(written.sha256, digest(readFileSync(file)));
        await read(file, written, { command: 'dd', args: [`of=${output}`, 'bs=64k', 'status=none'] });
        assert.ok(readFileSync(output).equals(bytes));
      }),
      { numRuns: 12 },
    );
  });

  it('is opened by age and zstd alone, and by nobody else on the machine', async () => {
    const file = newFile();
    await write(shell('printf hello'), file);
    const identity = path.join(folder, 'identity');
    writeFileSync(identity, KEYS.identity);
    const opened = execFileSync('sh', ['-c', `age -d -i "$1" "$2" | zstd -d`, 'sh', identity, file]);
    assert.equal(opened.toString(), 'hello');
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('counts every exit status, and takes what a program accepts for success', async () => {
    const { ended } = await write(shell('echo x; exit 1', { accept: [1] }), newFile());
    assert.deepEqual(
      ended.map(({ command, code }) => [command, code]),
      [
        ['sh', 1],
        ['zstd', 0],
        ['age', 0],
      ],
    );
    const file = newFile();
    const error = await failure(write(shell('echo x; echo broken >&2; exit 1'), file), 'program-failed');
    assert.equal(error.message, 'sh failed with exit code 1: broken');
    assertGone(file);
  });

  it('P42 a producer killed halfway leaves no artifact', async () => {
    const file = newFile();
    const error = await failure(write(shell('head -c 3000000 /dev/urandom; kill -KILL $$'), file), 'program-failed');
    assert.deepEqual([error.facts['program'], error.facts['signal']], ['sh', 'SIGKILL']);
    assertGone(file);
  });

  for (const victim of ['cat', 'zstd', 'age']) {
    it(`blames ${victim} when it dies, and not those that it takes along`, async () => {
      const file = newFile();
      const written = failure(write(ENDLESS, file), 'program-failed');
      process.kill(await children.find(victim), 'SIGKILL');
      const error = await written;
      assert.equal(error.message, `${victim} was ended by SIGKILL.`);
      assertGone(file);
    });
  }

  it('blames zstd though the producer is silent and would never notice', async () => {
    const file = newFile();
    const written = failure(write({ command: 'sleep', args: ['1000'] }, file), 'program-failed');
    process.kill(await children.find('zstd'), 'SIGKILL');
    assert.equal((await written).message, 'zstd was ended by SIGKILL.');
    assertGone(file);
  });

  it('blames a program that stops reading, and not the one that it cuts off', async () => {
    const file = newFile();
    const error = await failure(write([ENDLESS, { command: 'head', args: ['-c', '9'] }], file), 'program-failed');
    assert.equal(error.message, 'head stopped reading before the end of its input.');
    assertGone(file);
  });

  it('names a missing program with its Debian package, before anything is started', async () => {
    const file = newFile();
    const nowhere = { command: 'redis-cli', args: [], env: { PATH: '/nonexistent' } };
    const error = await failure(write([ENDLESS, nowhere], file), 'missing-program');
    assert.match(error.remedy ?? '', /apt-get install redis-tools$/);
    assertGone(file);
  });

  it('refuses a plausible end with too few bytes', async () => {
    const file = newFile();
    await failure(write({ command: 'true', args: [] }, file, { minPlainBytes: 1 }), 'implausible-size');
    assertGone(file);
  });

  it('fails with no-space on a full disk, names the file and removes its half', async () => {
    const small = await smallFileSystem('1m');
    const file = path.join(small, 'a.zst.age');
    const error = await failure(write(ENDLESS, file), 'no-space');
    assert.equal(error.facts['file'], file);
    assertGone(file);
    remount(small, 'ro');
    await failure(write(ENDLESS, file), 'access-denied');
    assertGone(file);
  });

  it('fails with access-denied where it may not write', async () => {
    await failure(write(ENDLESS, '/sys/kernel/a.zst.age'), 'access-denied');
  });

  it('never replaces a file', async () => {
    const file = newFile();
    writeFileSync(file, 'precious');
    await failure(write(ENDLESS, file), 'conflict');
    assert.equal(readFileSync(file, 'utf8'), 'precious');
  });

  it('passes on lines of a further descriptor and of stderr, and small inputs', async () => {
    const listed = path.join(folder, 'listed');
    mkdirSync(listed);
    for (let index = 0; index < 2_000; index += 1) writeFileSync(path.join(listed, `${index}`), '');
    const lines: string[] = [];
    const complaints: string[] = [];
    const tar = { command: 'tar', args: ['-cvf', '-', '--index-file=/dev/fd/4', '-T', '/dev/fd/3', '/nowhere'] };
    await write(
      {
        ...tar,
        accept: [2],
        inputs: [`${listed}\n`],
        onLine: (line) => lines.push(line),
        onStderr: (line) => complaints.push(line),
      },
      newFile(),
    );
    assert.equal(lines.length, 2_001);
    assert.ok(complaints.some((line) => /nowhere: Cannot stat/.test(line)));
  });

  it('fails with what onLine throws', async () => {
    const file = newFile();
    const producer = shell('echo line >&3; cat /dev/urandom', {
      onLine() {
        throw new RangeError('not a line of mine');
      },
    });
    await assert.rejects(write(producer, file), RangeError);
    assertGone(file);
  });

  it('lets no secret into an error', async () => {
    const producer = shell('cat /dev/fd/3 >&2; echo known-secret AGE-SECRET-KEY-1QQQQ >&2; exit 1', {
      inputs: ['password-one\npassword-two\n'],
    });
    const redact = (text: string) => text.replaceAll('known-secret', '***');
    const { message, facts } = await failure(write(producer, newFile(), { redact }), 'program-failed');
    assert.doesNotMatch(JSON.stringify({ message, facts }), /password-|known-secret|AGE-SECRET/);
    assert.match(message, /\*\*\* \*\*\*/);
  });

  it('runs a program as another user, who can open its inputs', async () => {
    const lines: string[] = [];
    const user = { uid: 65_534, gid: 65_534 };
    const producer = shell('id -u; id -G >&4; cat /dev/fd/3', {
      user,
      inputs: ['given'],
      onLine: (line) => lines.push(line),
    });
    const { plainBytes } = await write(producer, newFile());
    assert.equal(plainBytes, '65534\ngiven'.length);
    assert.deepEqual(lines, ['65534']);
  });

  it('reads at most at the rate that is set, at the priority that is set', async () => {
    const started = performance.now();
    const seen: string[] = [];
    const producer = shell('nice >&3; ionice >&3; head -c 1500000 /dev/urandom', { onLine: (line) => seen.push(line) });
    const limits = { maxRate: 1_000_000, nice: 7, ionice: 'idle' } as const;
    const { plainBytes } = await write(producer, newFile(), { limits });
    const seconds = (performance.now() - started) / 1000;
    assert.equal(plainBytes, 1_500_000);
    assert.ok(seconds >= 1.3, `${seconds} s`);
    assert.deepEqual(seen, ['7', 'idle']);
  });

  it('writes lines of our own, and fails with what they throw', async () => {
    function* numbers(until: number): Generator<string> {
      for (let number = 0; number < 50_000; number += 1) {
        if (number === until) throw new RangeError('no more numbers');
        yield `${number} \u2028`;
      }
    }
    const options = { recipient: KEYS.recipient, compression: DEFAULT_COMPRESSION, minPlainBytes: 1, work: testWork() };
    const written = await writeLines({ ...options, file: newFile(), lines: numbers(-1) });
    assert.equal(
      written.plainBytes,
      [...numbers(-1)].reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0),
    );
    const file = newFile();
    await assert.rejects(writeLines({ ...options, file, lines: numbers(40_000) }), RangeError);
    assertGone(file);
  });
});

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Incompressible bytes that a failing run can be repeated with. */
function pseudoRandom(size: number, seed: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}
