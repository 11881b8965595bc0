/** What every place of cold storage must do. A type that freezes passes this besides the suite of all destinations, as far as it can. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { listAll } from '../../../activities/storage/list-all.ts';
import type { Destination, Stored, Thawing } from '../../../activities/storage/types.ts';
import { THAW_SPEEDS } from '../../../model/config/destinations/thaw.ts';
import type { BackupError } from '../../../model/errors.ts';
import { storedOf } from '../../support/backups.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { testWork } from '../../support/work.ts';
import { destinationOf, type PlaceContext } from './destination-of.ts';

export interface ColdPlace {
  readonly context: PlaceContext;
  /** What is asked for stays on its way from now on. */
  hold(): Promise<void>;
  /** What was asked for is there. */
  release(): Promise<void>;
  /** Retrievals that were begun so far, each of which is paid for. */
  asked(): Promise<number>;
}

const FOLDER = 'yearly/postgres/20260104T020000Z-full';
const KEY = `${FOLDER}/base.tar.zst.age`;

/** @param make a fresh, empty place on which what is asked for is held. The caller cleans up. */
export function thawingConformance(type: string, make: () => Promise<ColdPlace>): void {
  describe(`cold storage of the type ${type}`, () => {
    let place: ColdPlace;
    let destination: Destination;
    let thawing: Thawing;
    let bytes: Buffer;
    let expected: Stored;

    before(async () => {
      place = await make();
      destination = destinationOf(place.context);
      assert.ok(destination.thawing);
      thawing = destination.thawing;
      bytes = randomBytes(100_000);
      expected = storedOf(bytes);
      const file = path.join(await temporaryFolder(), 'object');
      await writeFile(file, bytes);
      await destination.put(KEY, file, expected, testWork());
    });
    const options = { speed: 'standard', days: 7 } as const;

    it('says what it is called and which speeds it has', () => {
      assert.equal(thawing.destination, place.context.name);
      const speeds = THAW_SPEEDS.filter((speed) => thawing.takes[speed] !== undefined);
      assert.ok(speeds.includes('standard'));
      for (const speed of speeds) assert.ok((thawing.takes[speed]?.most ?? 0) >= (thawing.takes[speed]?.least ?? 0));
    });

    it('what was stored is frozen, and what was never there is not found', async () => {
      assert.deepEqual(await thawing.state(KEY), { state: 'frozen' });
      await fails(thawing.state(`${FOLDER}/never.age`), 'not-found');
      await fails(thawing.ask(`${FOLDER}/never.age`, options), 'not-found');
      await fails(thawing.state('../x'), 'refused');
    });

    it('reads nothing that is frozen, and says which command brings it back', async () => {
      const command = new RegExp(`copies thaw \\S+ --from ${place.context.name}`);
      await fails(destination.open(KEY), 'frozen', command);
      await fails(destination.digest(KEY, testWork()), 'frozen', command);
    });

    it('is listed, and its equal is not stored again', async () => {
      const listed = await listAll(destination, FOLDER);
      assert.deepEqual(
        listed.map((object) => [object.key, object.bytes]),
        [[KEY, expected.bytes]],
      );
      const file = path.join(await temporaryFolder(), 'object');
      await writeFile(file, bytes);
      await destination.put(KEY, file, expected, testWork());
      assert.deepEqual(await thawing.state(KEY), { state: 'frozen' });
      assert.equal(await place.asked(), 0, 'nothing of this has asked for anything');
    });

    it('is asked for once, however often one asks, and is on its way', async () => {
      await thawing.ask(KEY, options);
      assert.equal((await thawing.state(KEY)).state, 'thawing');
      await thawing.ask(KEY, options);
      await thawing.ask(KEY, { ...options, speed: 'bulk' });
      assert.equal(await place.asked(), 1);
      await fails(destination.open(KEY), 'frozen');
    });

    it('is there, byte by byte, for some days, and asking again is not paid for', async () => {
      await place.release();
      const now = await thawing.state(KEY);
      assert.equal(now.state, 'readable');
      assert.ok(now.until === undefined || now.until.getTime() > Date.now());
      assert.deepEqual(await destination.digest(KEY, testWork()), expected);
      assert.ok((await buffer(await destination.open(KEY))).equals(bytes));
      await thawing.ask(KEY, options);
      assert.equal(await place.asked(), 1);
    });
  });
}

async function fails(promise: Promise<unknown>, code: BackupError['code'], remedy = /./): Promise<void> {
  await assert.rejects(promise, (error: BackupError) => {
    assert.equal(error.code, code, error.stack);
    if (code !== 'refused') assert.match(error.remedy ?? '', remedy);
    return true;
  });
}
