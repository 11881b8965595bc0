import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { siteSigner, trustedKeys } from '../../../activities/keys/site-keys.ts';
import type { Signer } from '../../../activities/keys/signing.ts';
import { markBackup } from '../../../activities/operations/mark.ts';
import type { Site } from '../../../activities/site.ts';
import { pinned, readCatalogue, type Catalogue } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { encodeManifest, manifestDigest } from '../../../activities/storage/manifest-file.ts';
import { readEvidence, signEvidence, writeEvidence } from '../../../activities/storage/evidence-file.ts';
import { readMarks } from '../../../activities/storage/marks.ts';
import { openRepository, prepareRepository } from '../../../activities/storage/repository.ts';
import { readSaid } from '../../../activities/storage/said.ts';
import { EVIDENCE_SCHEMA, type UnsignedEvidence } from '../../../model/evidence.ts';
import { keysIn } from '../../support/keys-in.ts';
import { testBackup } from '../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

/** More than are read without a memory. */
const COUNT = 100;
/** A manifest that is younger is not remembered. */
const SETTLED = 2_200;

describe('the memory of a place', () => {
  let site: Site;
  let signer: Signer;
  let file: string;
  let plain: Catalogue;

  before(async () => {
    const folder = await temporaryFolder();
    ({ site } = await makeSite({ folder, sources: { postgres: { type: 'postgres' } } }));
    signer = await siteSigner(site);
    for (let index = 0; index < COUNT; index++) await write(index);
    file = path.join(site.state, 'catalogue', 'repository-manifests.jsonl');
    plain = await catalogue();
    await rm(file, { force: true });
    await pause(SETTLED);
  });
  after(cleanUp);

  async function write(index: number, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const scheduled = new Date(Date.UTC(2026, 0, 1, index)).toISOString().replace('.000Z', 'Z');
    const { folder, manifest } = testBackup({ scheduled, signer, fields });
    await mkdir(path.join(site.repository, folder), { recursive: true });
    await writeFile(path.join(site.repository, folder, 'manifest.json'), encodeManifest(manifest));
    return folder;
  }

  async function catalogue(): Promise<Catalogue> {
    return readCatalogue(await openRepository(site));
  }

  /** Remembers all that there is. */
  async function anew(): Promise<void> {
    await rm(file, { force: true });
    await catalogue();
  }

  /** What was read, without what is in memory only. */
  function seen({ backups, problems }: Catalogue): unknown {
    return { backups: backups.map((each) => ({ ...each, sha256: manifestDigest(each.manifest) })), problems };
  }

  /** How many manifests a catalogue reads. */
  async function reads(): Promise<{ readonly count: number; readonly found: Catalogue }> {
    const store = await openRepository(site);
    let count = 0;
    const found = await readCatalogue({
      ...store,
      readSmall(key) {
        count += 1;
        return store.readSmall(key);
      },
    });
    return { count, found };
  }

  it('shows the same as without it, and reads nothing again', async () => {
    assert.equal((await reads()).count, COUNT);
    const { count, found } = await reads();
    assert.equal(count, 0);
    assert.deepEqual(seen(found), seen(plain));
    await rm(file);
    assert.deepEqual(seen(await catalogue()), seen(plain), 'deleting it changes nothing');
  });

  it('a manifest that changed is read again, whatever its size and time of change say', async () => {
    await anew();
    const folder = await write(3, { host: 'hare' });
    const at = path.join(site.repository, folder, 'manifest.json');
    await utimes(at, new Date(0), new Date(0));
    const { count, found } = await reads();
    assert.equal(count, 1);
    assert.equal(found.backups.find((each) => each.folder === folder)?.manifest.host, 'hare');
    const other = `${at}.other`;
    await writeFile(other, 'not JSON');
    await rename(other, at);
    const broken = await catalogue();
    assert.deepEqual(
      broken.problems.map((each) => each.folder),
      [folder],
    );
    await rm(path.dirname(at), { recursive: true });
    assert.equal((await catalogue()).backups.length, COUNT - 1);
    await write(3);
    await pause(SETTLED);
  });

  it('one that is so young that a change might not show is not remembered', async () => {
    await anew();
    await write(4, { host: 'there' });
    assert.equal((await reads()).count, 1);
    assert.equal((await reads()).count, 1);
    await write(4);
    await pause(SETTLED);
  });

  it('damaged, cut off, or of another version, it counts for nothing', async () => {
    await anew();
    const whole = await readFile(file);
    const flipped = Buffer.from(whole);
    const at = flipped.indexOf('"bytes":') + 8;
    flipped[at] = flipped[at] === 0x31 ? 0x32 : 0x31;
    const [header = '', ...lines] = whole.toString('utf8').split('\n');
    const older = [header.replace(/"version":"[^"]*"/, '"version":"0.0.0"'), ...lines].join('\n');
    for (const bytes of [
      flipped,
      whole.subarray(0, whole.byteLength / 2),
      Buffer.from(''),
      Buffer.from('\n'),
      Buffer.from(older),
    ]) {
      await writeFile(file, bytes);
      const { count, found } = await reads();
      assert.equal(count, COUNT);
      assert.deepEqual(seen(found), seen(plain));
    }
  });

  it('two at once leave a whole one, and a state folder that cannot be written to costs time only', async () => {
    await rm(file, { force: true });
    await Promise.all([catalogue(), catalogue(), catalogue()]);
    assert.deepEqual(await readdir(path.dirname(file)), ['repository-manifests.jsonl']);
    assert.equal((await reads()).count, 0);
  });

  it('each place has its own', async () => {
    const destination = openDestination('vault', site);
    assert.notEqual(destination.remembers, (await openRepository(site)).remembers);
    assert.deepEqual((await readCatalogue(destination)).backups, []);
  });

  it('evidence is remembered with whom it was believed of, and never where it is not good', async () => {
    const { site } = await makeSite({ folder: await temporaryFolder(), sources: { postgres: { type: 'postgres' } } });
    await prepareRepository(site);
    const store = await openRepository(site);
    const trusted = await trustedKeys(site);
    const own = await siteSigner(site);
    const { name, manifest } = testBackup({ signer: own });
    for (let index = 0; index < COUNT; index++) {
      const unsigned = {
        schema: EVIDENCE_SCHEMA,
        site: 'test',
        backup: pinned(manifest),
        destination: null,
        what: 'verify',
        time: new Date(Date.UTC(2026, 0, 1, index)).toISOString(),
        checks: [],
        verdict: 'ok',
      } satisfies UnsignedEvidence;
      await writeEvidence(store, name, signEvidence(unsigned, own));
    }
    const [first = ''] = await keysIn(path.join(site.repository, 'evidence'));
    const at = path.join(site.repository, 'evidence', first);
    await pause(SETTLED);
    let count = 0;
    const counting = { ...store, readSmall: (key: string) => ((count += 1), store.readSmall(key)) };
    const plain = await readEvidence(counting, trusted);
    assert.deepEqual([plain.length, count], [COUNT, COUNT]);
    assert.deepEqual(await readEvidence(counting, trusted), plain);
    assert.equal(count, COUNT, 'nothing is read again');
    assert.deepEqual(await readEvidence(counting, trusted, 'postgres'), plain);
    await writeFile(at, (await readFile(at, 'utf8')).replace('"ok"', '"failed"'));
    assert.equal((await readEvidence(counting, trusted)).length, COUNT - 1, 'it was changed after it was signed');
    assert.equal(count, COUNT + 1);
    assert.deepEqual(await readEvidence(counting, []), [], 'nobody is believed any more');
    await markBackup({ site, manifest, what: 'hold', reason: 'a court wants it', last: undefined });
    const walks: string[] = [];
    const walked = { ...store, list: (prefix: string) => (walks.push(prefix), store.list(prefix)) };
    const said = await readSaid(walked, trusted);
    assert.deepEqual(said, { evidence: await readEvidence(store, trusted), marks: await readMarks(store, trusted) });
    assert.deepEqual([said.marks.length, walks], [1, ['evidence']], 'one walk is for both');
  });
});
