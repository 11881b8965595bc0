/** What every destination type must do. A new type passes this suite, or it is none. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import type { Destination, ListedObject, Store } from '../../../activities/storage/types.ts';
import type { BackupError, ErrorCode } from '../../../model/errors.ts';
import { storedOf } from '../../support/backups.ts';
import { endChildren, startChild } from '../../support/children.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { testWork } from '../../support/work.ts';
import { destinationOf, type PlaceContext } from './destination-of.ts';

/** A fresh, empty place of the type under test, and what can happen to it. */
export interface Place {
  /** Everything that makes the destination; travels to child processes as JSON. */
  readonly context: PlaceContext;
  /** Changes one byte of an object behind the destination's back. */
  damage(key: string): Promise<void>;
  /** Uses up all free space. */
  fill(): Promise<void>;
  /** Forbids writing. */
  forbid(): Promise<void>;
  /** Takes the place away: unmounted, unplugged, disconnected. */
  remove(): Promise<void>;
  /** Makes an artifact readable. Absent where all of them are. */
  thaw?(key: string): Promise<void>;
  /** Artifacts never fill it up: only small objects do. */
  readonly endless?: true;
  /** Counts what is stored, temporary things and parts of uploads included; the place's own marks are not. */
  stored(): Promise<number>;
}

const PUT_CHILD = new URL('./put-child.ts', import.meta.url);
const KEY = 'daily/postgres/20261123T020000Z-full/base.tar.zst.age';
const MEBIBYTE = 2 ** 20;

/**
 * @param make a place with `bytes` of free space at least, and not much more.
 * @param options.runs how many sets of keys are tried: fewer where each step takes a connection's time.
 */
export function destinationConformance(
  type: string,
  make: (bytes: number) => Promise<Place>,
  { runs = 15 }: { readonly runs?: number } = {},
): void {
  describe(`destination type ${type}`, () => {
    let files: string;
    let place: Place;
    let destination: Destination;

    before(async () => {
      files = await temporaryFolder();
    });
    beforeEach(async () => {
      place = await make(24 * MEBIBYTE);
      destination = destinationOf(place.context);
    });
    afterEach(endChildren);
    after(cleanUp);

    /** A file to put, and what it is. */
    async function fileOf(content: Buffer | number) {
      const bytes = typeof content === 'number' ? randomBytes(content) : content;
      const file = path.join(files, 'object');
      await rm(file, { force: true });
      await writeFile(file, bytes);
      return { file, bytes, expected: storedOf(bytes) };
    }

    /** What is read back of the object, where it must be thawed after that. */
    async function digest() {
      await place.thaw?.(KEY);
      return destination.digest(KEY, testWork());
    }

    it('gives back what was put, byte by byte', async () => {
      const { file, bytes, expected } = await fileOf(3 * MEBIBYTE + 17);
      await destination.put(KEY, file, expected, testWork());
      assert.deepEqual(await digest(), expected);
      assert.ok((await buffer(await destination.open(KEY))).equals(bytes));
      assert.deepEqual(await listed(destination, ''), [{ key: KEY, bytes: expected.bytes }]);
    });

    it('stores an empty object', async () => {
      const { file, expected } = await fileOf(0);
      await destination.put(KEY, file, expected, testWork());
      assert.deepEqual(await digest(), expected);
    });

    it('says what it is and where', async () => {
      assert.equal(destination.name, place.context.name);
      assert.equal(destination.type, type);
      assert.notEqual(await destination.device(), '');
      assert.equal(typeof destination.offsite, 'boolean');
      await destination.probe();
      assert.equal(await place.stored(), 0, 'a probe leaves nothing');
      const free = await destination.free();
      assert.ok(free === null || free > 20 * MEBIBYTE);
    });

    it('has nothing where nothing was put', async () => {
      assert.deepEqual(await listed(destination, ''), []);
      assert.deepEqual(await listed(destination, 'daily/postgres'), []);
      assert.equal(await destination.readSmall('daily/postgres/x/manifest.json'), undefined);
      assert.equal(await destination.digest(KEY, testWork()), undefined);
      await fails(destination.open(KEY), 'not-found');
    });

    it('lists by folder, in the order of keys, and by name', async () => {
      const keys = ['a-b/manifest.json', 'a.b', 'a/b/manifest.json', 'a/c', 'a/manifest.json', 'b/x'];
      for (const key of keys.toReversed()) await destination.putSmall(key, Buffer.from(key), { replace: false });
      assert.deepEqual(await keysBelow(destination, ''), keys);
      assert.deepEqual(
        await keysBelow(destination, 'a'),
        ['a/b/manifest.json', 'a/c', 'a/manifest.json'],
        'a is not a-b',
      );
      const named = await listed(destination, '', 'manifest.json');
      assert.deepEqual(
        named.map(({ key }) => key),
        ['a-b/manifest.json', 'a/b/manifest.json', 'a/manifest.json'],
      );
    });

    it('lists whatever was put (any keys)', async () => {
      const part = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9:._+-]{0,7}$/);
      const key = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
      const keys = fc.uniqueArray(key, { maxLength: 12, comparator: (a, b) => within(a, b) || within(b, a) });
      await fc.assert(
        fc.asyncProperty(keys, async (chosen) => {
          const fresh = destinationOf((await make(MEBIBYTE)).context);
          for (const each of chosen) await fresh.putSmall(each, Buffer.from(each), { replace: false });
          assert.deepEqual(await keysBelow(fresh, ''), chosen.toSorted(byBytes));
        }),
        { numRuns: runs },
      );
    });

    it('leaves an equal object, and puts right a damaged one', async () => {
      const { file, expected } = await fileOf(MEBIBYTE);
      await destination.put(KEY, file, expected, testWork());
      await destination.put(KEY, file, expected, testWork());
      assert.equal(await place.stored(), 1);
      await place.damage(KEY);
      assert.notDeepEqual(await digest(), expected, 'the digest is read at the other side');
      await destination.put(KEY, file, expected, testWork());
      assert.deepEqual(await digest(), expected);
    });

    it('takes a small object once, and another of its name only when told to', async () => {
      const key = 'daily/postgres/20261123T020000Z-full/manifest.json';
      await destination.putSmall(key, Buffer.from('one'), { replace: false });
      await destination.putSmall(key, Buffer.from('one'), { replace: false });
      await fails(destination.putSmall(key, Buffer.from('two'), { replace: false }), 'conflict');
      assert.equal(String(Buffer.from((await destination.readSmall(key)) ?? [])), 'one');
      await destination.putSmall(key, Buffer.from('two'), { replace: true });
      assert.equal(String(Buffer.from((await destination.readSmall(key)) ?? [])), 'two');
    });

    it('notices a file that is not what it should be before it becomes visible', async () => {
      const { file, bytes, expected } = await fileOf(MEBIBYTE);
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(1000) ^ 1, 1000);
      await writeFile(file, flipped);
      await fails(destination.put(KEY, file, expected, testWork()), 'verification-failed');
      await writeFile(file, bytes.subarray(0, -1));
      await fails(destination.put(KEY, file, expected, testWork()), 'verification-failed');
      await writeFile(file, Buffer.concat([bytes, Buffer.from('more')]));
      await fails(destination.put(KEY, file, expected, testWork()), 'verification-failed');
      assert.deepEqual(await listed(destination, ''), []);
      assert.equal(await place.stored(), 0);
    });

    it('does not replace a good object by a damaged file', async () => {
      const { file, bytes, expected } = await fileOf(MEBIBYTE);
      await destination.put(KEY, file, expected, testWork());
      await place.damage(KEY);
      const damaged = await digest();
      await writeFile(file, bytes.toReversed());
      await fails(destination.put(KEY, file, expected, testWork()), 'verification-failed');
      assert.deepEqual(await digest(), damaged, 'what was there is left');
    });

    it('deletes for good, and what is not there is fine', async () => {
      const { file, expected } = await fileOf(MEBIBYTE);
      const folder = path.posix.dirname(KEY);
      await destination.put(KEY, file, expected, testWork());
      await destination.putSmall(`${folder}/manifest.json`, Buffer.from('{}'), { replace: false });
      const pruner = await destination.pruner();
      assert.ok(pruner, 'the place under test is one with an identity that may delete');
      await pruner.remove(`${folder}/manifest.json`);
      assert.deepEqual(await keysBelow(destination, ''), [KEY], 'and nothing else');
      await pruner.remove(KEY);
      await pruner.remove(KEY);
      await pruner.remove('daily/never/there/manifest.json');
      assert.deepEqual(await listed(destination, ''), []);
      assert.equal(await place.stored(), 0);
      await destination.put(KEY, file, expected, testWork());
      assert.deepEqual(await digest(), expected, 'the name is free again');
    });

    it('keeps nothing from being read or found again by a lock', async () => {
      const { file, expected } = await fileOf(MEBIBYTE);
      const until = new Date(Date.now() + 60_000);
      await destination.put(KEY, file, expected, testWork(), { until });
      await destination.putSmall('daily/x/manifest.json', Buffer.from('{}'), { replace: false, until });
      await destination.keep(KEY, new Date(until.getTime() + 60_000));
      await destination.keep(KEY, until);
      await destination.put(KEY, file, expected, testWork(), { until });
      assert.deepEqual(await digest(), expected);
      assert.deepEqual(await keysBelow(destination, ''), [KEY, 'daily/x/manifest.json']);
    });

    for (const key of [
      '',
      '/',
      '/etc/passwd',
      '../x',
      'a/../../x',
      'a/..',
      './a',
      'a//b',
      'a/',
      '.hidden/a',
      'a/.b',
      'a\0b',
      'a\nb',
      String.raw`a\..\b`,
    ]) {
      it(`refuses the key ${JSON.stringify(key)}`, async () => {
        const { file, expected } = await fileOf(10);
        await fails(destination.put(key, file, expected, testWork()), 'refused');
        await fails(destination.putSmall(key, Buffer.from('x'), { replace: true }), 'refused');
        await fails(destination.readSmall(key), 'refused');
        await fails(destination.open(key), 'refused');
        await fails(destination.digest(key, testWork()), 'refused');
        await fails(deleted(destination, key), 'refused');
        if (key !== '') await fails(listed(destination, key), 'refused');
        assert.equal(await place.stored(), 0);
      });
    }

    it('leaves nothing when it is cancelled in the middle', async () => {
      const { file, expected } = await fileOf(4 * MEBIBYTE);
      const work = testWork();
      const cancelling = { ...work, progress: ({ bytes }: { bytes: number }) => bytes > 0 && work.abort() };
      await fails(destination.put(KEY, file, expected, cancelling), 'aborted');
      assert.equal(await place.stored(), 0);
    });

    it('lists nothing of a put that was killed in the middle, and the next one is whole', async () => {
      const { file, expected } = await fileOf(8 * MEBIBYTE);
      const child = startChild(PUT_CHILD, { context: place.context, key: KEY, file, expected, stopAt: 4 * MEBIBYTE });
      await child.stopped();
      assert.deepEqual(await listed(destination, ''), []);
      await child.signal('SIGKILL');
      assert.deepEqual(await listed(destination, ''), []);
      await destination.put(KEY, file, expected, testWork());
      assert.deepEqual(await digest(), expected);
      assert.equal(await place.stored(), 1, 'what the dead one left is removed');
    });

    it('lets two processes put one object at once', async () => {
      const { file, expected } = await fileOf(4 * MEBIBYTE);
      const child = startChild(PUT_CHILD, { context: place.context, key: KEY, file, expected, stopAt: 2 * MEBIBYTE });
      await child.stopped();
      await destination.put(KEY, file, expected, testWork());
      await child.signal('SIGCONT');
      assert.equal(await child.line(), 'done');
      assert.deepEqual(await digest(), expected);
      assert.equal(await place.stored(), 1);
    });

    it('says that the disk is full, and lists nothing', async () => {
      const { file, expected } = await fileOf(28 * MEBIBYTE);
      await destination.putSmall('a/manifest.json', Buffer.from('{}'), { replace: false });
      if (place.endless !== true) await fails(destination.put(KEY, file, expected, testWork()), 'no-space');
      assert.equal(await place.stored(), 1, 'what was written in vain is given back');
      await place.fill();
      const big = Buffer.alloc(MEBIBYTE);
      await fails(destination.putSmall('b', big, { replace: false }), 'no-space');
      await fails(destination.putSmall('a/manifest.json', big, { replace: true }), 'no-space');
      assert.deepEqual(await listed(destination, ''), [{ key: 'a/manifest.json', bytes: 2 }]);
      assert.equal(await place.stored(), 1);
    });

    it('says that it must not write, and what to do', async () => {
      const { file, expected } = await fileOf(MEBIBYTE);
      await destination.putSmall('a/manifest.json', Buffer.from('{}'), { replace: false });
      await place.forbid();
      await fails(destination.put(KEY, file, expected, testWork()), 'access-denied');
      await fails(destination.putSmall('b', Buffer.from('x'), { replace: false }), 'access-denied');
      await fails(destination.probe(), 'access-denied');
      await fails(deleted(destination, 'a/manifest.json'), 'access-denied');
      assert.deepEqual(await keysBelow(destination, ''), ['a/manifest.json'], 'it can still be read');
    });

    it('says that it cannot be reached, and is not made anew', async () => {
      const { file, expected } = await fileOf(MEBIBYTE);
      await destination.put(KEY, file, expected, testWork());
      await place.remove();
      await fails(destination.put(KEY, file, expected, testWork()), 'unreachable');
      await fails(destination.putSmall('b', Buffer.from('x'), { replace: false }), 'unreachable');
      await fails(destination.readSmall('b'), 'unreachable');
      await fails(destination.digest(KEY, testWork()), 'unreachable');
      await fails(destination.open(KEY), 'unreachable');
      await fails(listed(destination, ''), 'unreachable');
      await fails(destination.probe(), 'unreachable');
      await fails(deleted(destination, KEY), 'unreachable');
      assert.equal(await place.stored(), 0, 'nothing is written where the place should be');
    });
  });
}

async function listed(store: Store, prefix: string, named?: string): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  const options = named === undefined ? {} : { named };
  for await (const { key, bytes } of store.list(prefix, options)) objects.push({ key, bytes });
  return objects;
}

async function keysBelow(store: Store, prefix: string): Promise<string[]> {
  return (await listed(store, prefix)).map(({ key }) => key);
}

async function deleted(destination: Destination, key: string): Promise<void> {
  const pruner = await destination.pruner();
  assert.ok(pruner);
  await pruner.remove(key);
}

/** Every failure has its code, and those that the operator can mend say how. */
async function fails(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error: BackupError) => {
    assert.equal(error.code, code, error.stack);
    const mendable = !['refused', 'aborted'].includes(code);
    assert.ok(!mendable || (error.remedy ?? '') !== '', `${code} has no remedy: ${error.message}`);
    return true;
  });
}

/** A key cannot be an object and a folder at once. */
function within(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`);
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : 1;
}
