import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { requireThawed } from '../../../../activities/operations/thaw/require.ts';
import { thawStep } from '../../../../activities/operations/thaw/step.ts';
import { pinned, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { encodeManifest } from '../../../../activities/storage/manifest-file.ts';
import type { Site } from '../../../../activities/site.ts';
import { planThaw } from '../../../../client/thaw/plan.ts';
import { orderOf } from '../../../../model/manifest.ts';
import type { ThawInput } from '../../../../model/thaw.ts';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { TEST_KEY, testBackup } from '../../../support/backups.ts';
import { json, mosaicHere } from '../../../support/command-line.ts';
import { fullBackup, logsBackup } from '../../../support/entries.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMoto, stopMoto, type Moto } from '../../../support/moto/index.ts';
import { makeSite } from '../../../support/site.ts';
import { credentialFiles } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';

const CONTENT = 'what was captured';

describe('a look of a thaw, with logs', () => {
  let moto: Moto;
  let site: Site;
  let file: string;
  const full = fullBackup('2026-11-23T02:00:00Z', 2);
  const logs = [2, 3, 4].map((from) => logsBackup({ from, to: from + 1, at: `2026-11-23T0${from + 1}:00:00Z` }));

  before(async () => {
    moto = await startMoto();
    await moto.admin.createBucket({ Bucket: 'logs' });
    const folder = await temporaryFolder();
    const connection = { host: path.join(folder, 'nothing-runs-here') };
    ({ site, file } = await makeSite({
      folder,
      sources: { postgres: { type: 'postgres', connection } },
      signing: { trusted: [TEST_KEY.publicKey] },
      destinations: {
        archive: {
          type: 's3',
          bucket: 'logs',
          endpoint: moto.endpoint,
          credentials: await credentialFiles(folder),
          storageClass: 'GLACIER',
        },
      },
    }));
    for (const backup of [full, ...logs.slice(0, 2)]) await put(backup);
  });
  after(async () => {
    await stopMoto();
    await cleanUp();
  });

  async function put({ folder, manifest }: Catalogued): Promise<void> {
    const archive = openDestination('archive', site);
    const file = path.join(await temporaryFolder(), 'artifact');
    await writeFile(file, CONTENT);
    for (const artifact of manifest.artifacts)
      await archive.put(`${folder}/${artifact.name}`, file, artifact, testWork());
    await archive.putSmall(`${folder}/manifest.json`, encodeManifest(manifest), { replace: false });
  }

  function inputOf(target: ThawInput['target'], asOf: number | null): ThawInput {
    const { folder, manifest } = full;
    const of = { site: 'test', host: site.host, destination: 'archive', backup: pinned(manifest), folder };
    return { ...of, target, asOf, speed: 'standard', days: 7 };
  }

  const look = (input: ThawInput) => thawStep({ site, input, work: testWork() });
  const asked = async () => (await moto.asked()).map(({ object }) => object.split('/').slice(1, -1).join('/'));

  it('the preview and the looks are of the same objects, and nothing is asked for twice', async () => {
    const target = { kind: 'time', time: '2026-11-23T02:30:00Z' } as const;
    const [first] = logs;
    assert.ok(first);
    const replay = { logs: [first], target };
    const store = openDestination('archive', site);
    const plan = await planThaw({ site, destination: 'archive', store, chain: [full], replay });
    assert.deepEqual(plan.facts.frozen, { objects: 2, bytes: 2 * CONTENT.length });
    assert.deepEqual(await asked(), []);
    const facts = await look(plan.input);
    assert.deepEqual([facts.asked.objects, facts.thawing.objects], [2, 2]);
    assert.deepEqual((await asked()).toSorted(), [full.folder, first.folder].toSorted());
    assert.equal((await look(plan.input)).asked.objects, 0);
    assert.equal((await asked()).length, 2);
  });

  it('the commands take the target of a restore, and a restore says that logs are to be thawed as well', async () => {
    const { reference } = pinned(full.manifest);
    const at = ['--from', 'archive', '--at', '2026-11-23T02:30:00Z'];
    const preview = await mosaicHere(['-c', file, 'copies', 'thaw', reference, ...at]);
    assert.equal(preview.code, 0, preview.stderr);
    assert.match(preview.stderr, /with the logs to 2026-11-23T02:30:00Z: 2 objects/);
    const to = path.join(await temporaryFolder(), 'restored');
    const restore = await mosaicHere(['-c', file, '--json', 'restore', reference, ...at, '--to', to]);
    assert.equal(json(restore).error?.code, 'frozen', restore.stdout);
    assert.match(json(restore).error?.remedy ?? '', /--from archive --at 2026-11-23T02:30:00Z says/);
    const chain = [full];
    const target = { kind: 'end' } as const;
    const store = openDestination('archive', site);
    await assert.rejects(requireThawed(store, { chain, replay: { logs: logs.slice(0, 1), target } }), {
      code: 'frozen',
      remedy: /--from archive --at end says/,
    });
  });

  it('logs that came since belong to another wait: to the end means to the end as it was asked for', async () => {
    const [, second, third] = logs;
    assert.ok(second && third);
    const input = inputOf({ kind: 'end' }, orderOf(second.manifest));
    assert.equal((await look(input)).asked.objects, 1, 'the second of the logs');
    await put(third);
    const facts = await look(input);
    assert.deepEqual([facts.asked.objects, facts.all.objects], [0, 3]);
    assert.equal((await look({ ...input, asOf: null })).asked.objects, 1);
  });

  it('refuses another backup of the name, and one that is gone', async () => {
    const input = inputOf(null, null);
    const other = { ...input.backup, sha256: '0'.repeat(64) };
    await assert.rejects(look({ ...input, backup: other }), { code: 'conflict' });
    await assert.rejects(look({ ...input, folder: `${full.folder}x` }), { code: 'not-found' });
    await assert.rejects(look({ ...input, site: 'other' }), { code: 'config' });
  });

  it('asks for nothing of what a restore would refuse: a backup that somebody else has signed', async () => {
    const foreign = testBackup({ scheduled: '2026-11-22T02:00:00Z', signer: signer(newSigningKey().privatePem) });
    await put(foreign);
    const input = { ...inputOf(null, null), backup: pinned(foreign.manifest), folder: foreign.folder };
    const before = await asked();
    await assert.rejects(look(input), { code: 'not-authentic' });
    const preview = await mosaicHere([
      '-c',
      file,
      '--json',
      'copies',
      'thaw',
      input.backup.reference,
      '--from',
      'archive',
    ]);
    assert.equal(json(preview).error?.code, 'not-authentic', preview.stdout);
    assert.deepEqual(await asked(), before);
  });

  it('what is there is counted as readable, until the first of it freezes again', async () => {
    await moto.release();
    const facts = await look(inputOf({ kind: 'end' }, null));
    assert.deepEqual(facts.readable, facts.all);
    assert.ok(Date.parse(facts.until ?? '') > Date.now());
  });
});
