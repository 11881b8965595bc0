/** A place that goes away in the middle of a step: its disk is unplugged, or somebody moves its folder. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { copyBackup } from '../../../activities/operations/copy.ts';
import { verifyBackup } from '../../../activities/operations/verify.ts';
import type { Site } from '../../../activities/site.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { directoryStore } from '../../../activities/storage/directory.ts';
import { requirePlace, type Place } from '../../../activities/storage/place.ts';
import { removeThere } from '../../../activities/storage/remove-there.ts';
import { openRepository, prepareRepository } from '../../../activities/storage/repository.ts';
import type { Destination } from '../../../activities/storage/types.ts';
import {
  listThere,
  openThere,
  readThere,
  whileThere,
  writeThere,
  type Presence,
} from '../../../activities/storage/while-there.ts';
import type { ProgressReport, Work } from '../../../activities/work.ts';
import { BackupError } from '../../../model/errors.ts';
import { storedOf, writeBackup } from '../../support/backups.ts';
import { cleanUp, plugIn, smallFileSystem, temporaryFolder, unplug } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const MEBIBYTE = 2 ** 20;
const KEY = 'daily/postgres/20261123T020000Z-full/base.tar.zst.age';

/** How a place goes away, and comes back. */
interface Going {
  readonly how: string;
  readonly away: () => void;
  readonly back: () => void;
  /** What lies where the place should be, while it is away. */
  readonly bare: () => Promise<readonly string[]>;
}

describe('a place that goes away in the middle', function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  after(cleanUp);

  /** Its folder is moved away. */
  function moved(root: string): Going {
    return {
      how: 'its folder is moved away',
      away: () => renameSync(root, `${root}.away`),
      back: () => renameSync(`${root}.away`, root),
      bare: async () => [],
    };
  }

  /** Its folder is moved away, and an empty one lies in its place: the mount point of a disk. */
  function emptied(root: string): Going {
    return {
      how: 'an empty folder is in its place',
      away: () => {
        renameSync(root, `${root}.away`);
        mkdirSync(root);
      },
      back: () => {
        rmdirSync(root);
        renameSync(`${root}.away`, root);
      },
      bare: () => readdir(root),
    };
  }

  /** Does something once, at the first report that is meant. */
  function workThat(
    act: () => void,
    when: (report: ProgressReport) => boolean,
  ): Work & { readonly acted: () => boolean } {
    let acted = false;
    return {
      ...testWork(),
      progress: (report) => {
        if (acted || !when(report)) return;
        acted = true;
        act();
      },
      acted: () => acted,
    };
  }

  describe('of a copy', () => {
    let root: string;
    let vault: Destination;
    let going: Going;

    for (const phase of ['copying to vault', 'confirming at vault']) {
      for (const how of ['moved', 'emptied', 'unplugged'] as const) {
        it(`is unreachable, and whole when it is back (${how} while ${phase})`, async () => {
          root = path.join(folder, 'vault');
          await mkdir(root);
          going = how === 'moved' ? moved(root) : how === 'emptied' ? emptied(root) : await disk(root);
          const { site } = await makeSite({
            folder,
            sources: { stack: { type: 'files', paths: ['/etc/hostname'] } },
          });
          vault = openDestination('vault', site);
          const bytes = randomBytes(4 * MEBIBYTE);
          const [file, expected] = [path.join(folder, 'object'), storedOf(bytes)];
          await writeFile(file, bytes);
          const half = (report: ProgressReport) =>
            report.phase === phase && (phase.startsWith('confirming') || report.bytes > MEBIBYTE);
          const work = workThat(going.away, half);
          await assert.rejects(vault.put(KEY, file, expected, work), isAway('destination vault', root));
          assert.ok(work.acted());
          assert.deepEqual(await going.bare(), [], 'nothing is written below its mount point');
          going.back();
          assert.deepEqual(await keysOf(vault), []);
          await vault.put(KEY, file, expected, testWork());
          assert.deepEqual(await vault.digest(KEY, testWork()), expected);
          assert.deepEqual(await readdir(path.join(root, '.incoming')), [], 'what was half-written is gone');
        });
      }
    }

    /** A disk that is mounted there, and lazily unmounted: what is open stays so. */
    async function disk(at: string): Promise<Going> {
      const inner = await smallFileSystem('16m');
      plugIn(inner, at);
      return {
        how: 'its disk is unmounted',
        away: () => unplug(at),
        back: () => plugIn(inner, at),
        bare: () => readdir(at),
      };
    }
  });

  describe('of a look at it', () => {
    let place: Place;
    let presence: Presence;
    let going: Going;

    beforeEach(async () => {
      const root = path.join(folder, 'vault');
      await mkdir(root);
      place = { what: 'destination vault', root, site: 'test', state: path.join(folder, 'state') };
      presence = { ...place, there: () => requirePlace(place, 'read') };
      await requirePlace(place, 'write');
      const store = directoryStore(root);
      for (const day of ['a', 'b', 'c'])
        await store.putSmall(`daily/${day}/manifest.json`, Buffer.from(day), { replace: false });
      going = emptied(root);
    });

    /** Away for the first question alone. */
    function blinking<T>(ask: () => Promise<T>): () => Promise<T> {
      let asked = 0;
      return async () => {
        asked += 1;
        if (asked > 1) return ask();
        going.away();
        try {
          return await ask();
        } finally {
          going.back();
        }
      };
    }

    it('finds nothing lost', async () => {
      const store = directoryStore(place.root);
      going.away();
      const away = isAway('destination vault', place.root);
      await assert.rejects(
        readThere(presence, () => store.readSmall('daily/a/manifest.json')),
        away,
      );
      await assert.rejects(
        readThere(presence, () => store.digest('daily/a/manifest.json', testWork())),
        away,
      );
      await assert.rejects(
        openThere(presence, () => store.open('daily/a/manifest.json')),
        away,
      );
      going.back();
      assert.equal(String(await readThere(presence, () => store.readSmall('daily/a/manifest.json'))), 'a');
      assert.equal(await readThere(presence, () => store.readSmall('daily/x/manifest.json')), undefined);
      await assert.rejects(
        openThere(presence, () => store.open('daily/x/manifest.json')),
        { code: 'not-found' },
      );
    });

    it('finds nothing lost that was away for a blink', async () => {
      const store = directoryStore(place.root);
      const read = await readThere(
        presence,
        blinking(() => store.readSmall('daily/a/manifest.json')),
      );
      assert.equal(String(read), 'a');
      (
        await openThere(
          presence,
          blinking(() => store.open('daily/a/manifest.json')),
        )
      ).destroy();
    });

    it('finds nothing lost that was away until somebody looked, or went away again behind him', async () => {
      const store = directoryStore(place.root);
      const read = () => store.readSmall('daily/a/manifest.json');
      going.away();
      const comesBack: Presence = { ...presence, there: async () => going.back() };
      assert.equal(String(await readThere(comesBack, read)), 'a');
      // Away for a blink, and gone when it is asked again.
      const first = blinking(read);
      let asked = 0;
      const goes = async () => {
        asked += 1;
        if (asked > 1) going.away();
        return asked === 1 ? first() : read();
      };
      await assert.rejects(readThere(presence, goes), isAway('destination vault', place.root));
      assert.equal(asked, 2);
      going.back();
    });

    it('what has failed for a reason of its own keeps that, though the place is away', async () => {
      going.away();
      for (const code of ['aborted', 'lease-lost', 'busy'] as const) {
        const fails = () => Promise.reject(new BackupError(code, 'for a reason of its own'));
        await assert.rejects(whileThere(presence.there, fails), { code });
        await assert.rejects(writeThere(presence, fails), { code });
      }
      going.back();
    });

    it('lists not a part of it as all', async () => {
      const store = directoryStore(place.root);
      const seen: string[] = [];
      await assert.rejects(
        async () => {
          for await (const { key } of listThere(presence, () => store.list('daily'))) {
            seen.push(key);
            if (seen.length === 1) going.away();
          }
        },
        isAway('destination vault', place.root),
      );
      going.back();
    });

    it('deletes nothing elsewhere, and says that it was not deleted here', async () => {
      const key = 'daily/a/manifest.json';
      going.away();
      await assert.rejects(removeThere(presence, key), isAway('destination vault', place.root));
      const comesBack: Presence = { ...presence, there: async () => going.back() };
      await assert.rejects(removeThere(comesBack, key), { code: 'unreachable', retryable: true });
      assert.equal(String(await directoryStore(place.root).readSmall(key)), 'a');
    });

    it('writes into the bare folder of a mount count for nothing', async () => {
      const write = blinking(async () => {
        throw Object.assign(new Error('what was written is gone'), { code: 'ENOENT' });
      });
      await assert.rejects(writeThere(presence, write), { code: 'unreachable', retryable: true });
      const elsewhere = async () => going.away();
      await assert.rejects(writeThere(presence, elsewhere), isAway('destination vault', place.root));
      going.back();
    });
  });

  describe('and is the repository', () => {
    let site: Site;
    let data: string;
    let going: Going;

    beforeEach(async () => {
      data = path.join(folder, 'data');
      await mkdir(data);
      await mkdir(path.join(folder, 'vault'));
      await writeFile(path.join(data, 'file'), randomBytes(6 * MEBIBYTE));
      ({ site } = await makeSite({
        folder,
        sources: { stack: { type: 'files', paths: [data], limits: { maxRate: '4MiB' } } },
      }));
      await prepareRepository(site);
      going = emptied(site.repository);
    });

    function capture(work: Work, prepare: () => Promise<void> = async () => {}) {
      const time = { runId: 'daily-2026-11-23T02:00:00Z', scheduled: '2026-11-23T02:00:00Z' };
      return captureBackup({ site, source: 'stack', tier: 'daily', ...time, attempt: 1, busy: 1000, prepare, work });
    }

    async function sealed(): Promise<readonly string[]> {
      assert.deepEqual(await readdir(path.join(site.repository, '.staging')), [], 'nothing is left of an attempt');
      return (await listBackups(await openRepository(site))).map(({ name }) => name.source);
    }

    for (const how of ['moved', 'emptied'] as const) {
      it(`a capture is unreachable, and made when it is back (${how} in its middle)`, async () => {
        going = how === 'moved' ? moved(site.repository) : emptied(site.repository);
        const work = workThat(going.away, ({ phase, bytes }) => phase === 'capturing' && bytes > 0);
        await assert.rejects(capture(work), isAway('repository', site.repository));
        assert.ok(work.acted());
        assert.deepEqual(await going.bare(), []);
        going.back();
        await capture(testWork());
        assert.deepEqual(await sealed(), ['stack']);
      });

      it(`a capture fills no bare mount point (${how} before it began)`, async () => {
        going = how === 'moved' ? moved(site.repository) : emptied(site.repository);
        const before = async () => going.away();
        await assert.rejects(capture(testWork(), before), isAway('repository', site.repository));
        assert.deepEqual(await going.bare(), []);
        going.back();
        await capture(testWork());
        assert.deepEqual(await sealed(), ['stack']);
      });
    }

    async function backup() {
      const artifacts = { 'a.zst.age': randomBytes(2 * MEBIBYTE), 'b.zst.age': randomBytes(2 * MEBIBYTE) };
      const options = { source: 'stack', group: 'configs', artifacts, signer: await siteSigner(site) } as const;
      const made = await writeBackup(site.repository, options);
      const store = await openRepository(site);
      return { backup: made, catalogue: await listBackups(store), store };
    }

    it('a verification finds nothing damaged', async () => {
      const { store, ...of } = await backup();
      const work = workThat(going.away, ({ bytes }) => bytes > 0);
      // The key of such a backup is none that opens.
      const { recipients } = site.config.encryption;
      const blind = { ...site, config: { ...site.config, encryption: { recipients } } };
      const request = { site: blind, store, destinationName: null, ...of };
      await assert.rejects(verifyBackup({ ...request, work }), isAway('repository', site.repository));
      assert.ok(work.acted());
      going.back();
      assert.equal((await readdir(site.repository)).includes('evidence'), false, 'no verdict is on record');
      assert.equal((await verifyBackup({ ...request, work: testWork() })).verdict, 'ok');
    });

    it('a copy of it loses nothing', async () => {
      const { store: from, ...of } = await backup();
      const to = openDestination('vault', site);
      const work = workThat(going.away, ({ phase, bytes }) => phase === 'copying to vault' && bytes > 0);
      await assert.rejects(copyBackup({ site, from, to, ...of, work }), isAway('repository', site.repository));
      assert.ok(work.acted());
      going.back();
      assert.deepEqual(await listBackups(to), []);
      await copyBackup({ site, from, to, ...of, work: testWork() });
      assert.equal((await listBackups(to)).length, 1);
    });
  });
});

function isAway(what: string, root: string): (error: BackupError) => boolean {
  return (error) => {
    assert.equal(error.code, 'unreachable', error.stack);
    assert.equal(error.retryable, true);
    assert.ok(error.message.includes(what) && error.message.includes(root), error.message);
    assert.ok((error.remedy ?? '') !== '');
    return true;
  };
}

async function keysOf(store: Destination): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}
