/** A backup that was damaged, or was made by somebody else: verification names it, nothing of it is restored, and it hides no other. */
import assert from 'node:assert/strict';
import { open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newSigningKey, signer } from '../../../activities/keys/signing.ts';
import { parseManifest, signManifest } from '../../../activities/storage/manifest-file.ts';
import { MANIFEST } from '../../../model/paths.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireNoProcess } from '../sound.ts';
import type { Trial } from '../trial.ts';

interface Damage {
  readonly name: string;
  /** Does it to the folder of a sealed backup. */
  readonly apply: (folder: string) => Promise<void>;
  /** What verification must say of it. */
  readonly found: RegExp;
  readonly everyTime?: boolean;
}

const ARTIFACT = 'base.tar.zst.age';

const DAMAGES: readonly Damage[] = [
  { name: 'P10 P40 an artifact with a flipped byte', apply: flip, found: /base\.tar\.zst\.age/, everyTime: true },
  { name: 'P40 a truncated artifact', apply: shorten, found: /base\.tar\.zst\.age/ },
  { name: 'a missing artifact', apply: (folder) => rm(path.join(folder, ARTIFACT)), found: /base\.tar\.zst\.age/ },
  {
    name: 'a manifest that is not JSON',
    apply: (folder) => writeFile(path.join(folder, MANIFEST), '{ "id": '),
    found: /manifest/,
  },
  { name: 'a manifest that lies about a digest', apply: lie, found: /signature|signed/ },
  { name: 'a manifest with a foreign signature', apply: signByAnother, found: /trusted|key/ },
];

export const damage: readonly Scenario[] = DAMAGES.map(({ name, apply, found, everyTime }) => ({
  kind: 'damaged',
  title: `${name} (stack)`,
  sources: ['stack'],
  everyTime: everyTime === true,
  async play(trial) {
    await fullsOnly(trial);
    await trial.worker();
    for (const number of [0, 1]) requireComplete(await (await trial.run(number)).report());
    const reference = `daily/stack/${idOf(trial, 0)}`;
    const folder = path.join(trial.repository, 'daily', 'apps', 'stack', idOf(trial, 0));
    await apply(folder);

    const verified = await trial.command('verify', reference);
    assert.equal(verified.code, 9, verified.output);
    assert.match(verified.output, found);
    assert.match(verified.output, new RegExp(idOf(trial, 0)));

    const listed = await trial.command('list', '--json');
    assert.equal(listed.code, 0, listed.output);
    assert.match(listed.stdout, new RegExp(idOf(trial, 1)));

    const to = path.join(trial.folder, 'restored');
    const restored = await trial.command('restore', reference, '--from', 'repository', '--to', to);
    assert.notEqual(restored.code, 0, restored.output);
    assert.match(restored.output, /→/, 'it says what to do');
    await assert.rejects(stat(to), { code: 'ENOENT' });
    assert.deepEqual(
      (await readdir(trial.folder)).filter((entry) => entry.includes('restore')),
      [],
      'nothing is promoted, and no scratch is left',
    );

    // Nothing is lost: the copy at the destination is whole, and the next run is not held up.
    const elsewhere = await trial.command('restore', reference, '--from', 'vault', '--to', to);
    assert.equal(elsewhere.code, 0, elsewhere.output);
    requireComplete(await (await trial.run(2)).report());
    await requireNoProcess(trial);
    return 'exit 9, named; nothing restored; others listed';
  },
}));

function idOf(trial: Trial, number: number): string {
  return `${trial.time(number).replaceAll(/[-:]/g, '')}-full`;
}

/** Each backup stands for itself, so that one's damage says nothing of the next. */
function fullsOnly(trial: Trial): Promise<void> {
  return trial.configure((config) => ({
    ...config,
    sources: { stack: { type: 'files', paths: [trial.data], incrementals: 0 } },
  }));
}

async function flip(folder: string): Promise<void> {
  const handle = await open(path.join(folder, ARTIFACT), 'r+');
  const position = Math.floor((await handle.stat()).size / 2);
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, position);
  byte.writeUInt8(byte.readUInt8() ^ 1);
  await handle.write(byte, 0, 1, position);
  await handle.close();
}

async function shorten(folder: string): Promise<void> {
  const file = path.join(folder, ARTIFACT);
  await truncate(file, (await stat(file)).size - 100);
}

async function lie(folder: string): Promise<void> {
  const manifest = parseManifest(await readFile(path.join(folder, MANIFEST)));
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, sha256: 'f'.repeat(64) }));
  await writeFile(path.join(folder, MANIFEST), JSON.stringify({ ...manifest, artifacts }));
}

async function signByAnother(folder: string): Promise<void> {
  const { signature: _signature, ...unsigned } = parseManifest(await readFile(path.join(folder, MANIFEST)));
  const foreign = signManifest(unsigned, signer(newSigningKey().privatePem));
  await writeFile(path.join(folder, MANIFEST), JSON.stringify(foreign));
}
