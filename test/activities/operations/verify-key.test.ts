import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newIdentity, unwrapIdentity, wrapIdentity } from '../../../activities/keys/identity.ts';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { verifyBackup, type Verification } from '../../../activities/operations/verify.ts';
import type { Site } from '../../../activities/site.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { Check } from '../../../model/evidence.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

describe('verification with an identity at hand', () => {
  let site: Site;
  let identities: readonly string[];
  let folder: string;

  before(async () => {
    const home = await temporaryFolder();
    ({ site, identities } = await makeSite({
      folder: home,
      sources: { stack: { type: 'files', paths: ['/etc/hostname', '/etc/hosts'] } },
    }));
  });
  after(cleanUp);

  let minute = 0;
  beforeEach(async () => {
    const scheduled = `2026-11-23T02:0${minute++}:00Z`;
    const work = testWork();
    const run = { site, source: 'stack', tier: 'daily', runId: `daily-${scheduled}`, scheduled } as const;
    await captureBackup({ ...run, attempt: 1, busy: 0, work });
  });

  async function verifyNewest(as: Site = site): Promise<Verification> {
    const store = repositoryStore(site.repository);
    const catalogue = await listBackups(store);
    const backup = catalogue.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled)).at(-1);
    assert.ok(backup);
    folder = path.join(site.repository, backup.folder);
    return verifyBackup({ site: as, store, destinationName: null, backup, catalogue, work: testWork() });
  }

  function keyOf({ checks }: Verification): Check | undefined {
    return checks.find(({ name }) => name === 'key');
  }

  /** As somebody would who can write there: the manifest's key and the file beside the artifacts agree. */
  async function replaceKey(key: string): Promise<void> {
    const file = path.join(folder, 'manifest.json');
    const manifest: unknown = JSON.parse(await readFile(file, 'utf8'));
    assert.ok(typeof manifest === 'object');
    await writeFile(file, JSON.stringify({ ...manifest, key }));
    await writeFile(path.join(folder, 'key.age'), key);
  }

  it('says that the key opens and fits', async () => {
    const found = await verifyNewest();
    assert.deepEqual([found.verdict, keyOf(found)?.ok, keyOf(found)?.compared], ['ok', true, true]);
  });

  it('finds a key that opens, but is another backup’s', async () => {
    await verifyNewest();
    const { identity } = await newIdentity();
    await replaceKey(await wrapIdentity(identity, site.config.encryption.recipients));
    const found = await verifyNewest();
    assert.equal(found.verdict, 'failed');
    assert.match(keyOf(found)?.detail ?? '', /does not open base\.tar\.zst\.age/);
  });

  it('finds a key that was locked to a stranger', async () => {
    await verifyNewest();
    const [stranger, { identity }] = await Promise.all([newIdentity(), newIdentity()]);
    await replaceKey(await wrapIdentity(identity, [stranger.recipient]));
    const found = await verifyNewest();
    assert.equal(found.verdict, 'failed');
    assert.match(keyOf(found)?.detail ?? '', /None of the identities at hand opens/);
  });

  it('finds a key that is damaged', async () => {
    await verifyNewest();
    await replaceKey('no armored file');
    assert.equal((await verifyNewest()).verdict, 'failed');
  });

  it('takes a key that was locked anew to other recipients', async () => {
    await verifyNewest();
    const second = identities[1] ?? '';
    const key = await readFile(path.join(folder, 'key.age'), 'utf8');
    const own = await unwrapIdentity(key, await readFile(second, 'utf8'));
    const fresh = await newIdentity();
    await replaceKey(await wrapIdentity(own, [...site.config.encryption.recipients, fresh.recipient]));
    assert.equal((await verifyNewest()).verdict, 'ok');
  });

  it('takes two wraps of one key for a rotation that is not finished, and two keys for damage', async () => {
    await verifyNewest();
    const file = path.join(folder, 'key.age');
    const own = await unwrapIdentity(await readFile(file, 'utf8'), await readFile(identities[0] ?? '', 'utf8'));
    await writeFile(file, await wrapIdentity(own, site.config.encryption.recipients));
    const unfinished = await verifyNewest();
    assert.equal(unfinished.verdict, 'ok');
    assert.match(unfinished.checks.find(({ name }) => name === 'key.age')?.detail ?? '', /not finished/);
    await writeFile(file, await wrapIdentity((await newIdentity()).identity, site.config.encryption.recipients));
    assert.equal((await verifyNewest()).verdict, 'failed');
  });

  it('says that it was not tried where the identity cannot be read', async () => {
    const elsewhere: Site = {
      ...site,
      config: {
        ...site.config,
        encryption: { ...site.config.encryption, identity: { file: '/nonexistent/identity.txt' } },
      },
    };
    const found = await verifyNewest(elsewhere);
    assert.deepEqual([found.verdict, keyOf(found)?.compared], ['ok', false]);
    assert.match(keyOf(found)?.detail ?? '', /\/nonexistent\/identity\.txt/);
  });
});
