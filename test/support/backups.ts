/** Backups as a capture seals them, but with artifacts of a test's own choice: nothing in them needs to decrypt. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newSigningKey, signer } from '../../activities/keys/signing.ts';
import type { Signer } from '../../activities/keys/signing.ts';
import type { Catalogued } from '../../activities/storage/catalogue.ts';
import { encodeManifest, pinned, signManifest } from '../../activities/storage/manifest-file.ts';
import type { Stored } from '../../activities/storage/types.ts';
import { MANIFEST_SCHEMA } from '../../model/manifest.ts';
import type { Artifact, Manifest, UnsignedManifest } from '../../model/manifest.ts';
import { backupFolder, backupId, KEY_FILE, MANIFEST } from '../../model/paths.ts';
import type { Group, Tier } from '../../model/source.ts';

export interface BackupOptions {
  /** Default `postgres`. */
  readonly source?: string;
  /** Default `databases`. */
  readonly group?: Group;
  readonly tier?: Tier;
  /** Default 2026-11-23T02:00:00Z. */
  readonly scheduled?: string;
  /** An incremental on this parent; else a full. */
  readonly parent?: Manifest;
  /** Content of the artifacts by name. Default: one small one. */
  readonly artifacts?: Readonly<Record<string, Buffer>>;
  readonly signer?: Signer;
  /** Further or other fields. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The signing key that backups of a test bear unless it names another. */
export const TEST_KEY = newSigningKey();
const TEST_SIGNER = signer(TEST_KEY.privatePem);

/** A signed manifest, with the folder that it belongs in. */
export function testBackup(options: BackupOptions = {}): Catalogued {
  const {
    source = 'postgres',
    group = 'databases',
    tier = 'daily',
    scheduled = '2026-11-23T02:00:00Z',
    parent,
  } = options;
  const kind = parent === undefined ? 'full' : 'incremental';
  const id = backupId(scheduled, kind);
  const unsigned: UnsignedManifest = {
    schema: MANIFEST_SCHEMA,
    id,
    site: 'test',
    host: 'here',
    run: `daily-${scheduled}`,
    source,
    type: 'files',
    kind,
    tier,
    parent: parent === undefined ? null : pinned(parent),
    copyOf: null,
    scheduled,
    started: scheduled,
    finished: scheduled,
    engine: {},
    consistency: 'crash',
    position: null,
    artifacts: Object.entries(contents(options)).map(artifactOf),
    key: '-----BEGIN AGE ENCRYPTED FILE-----\nnot opened in these tests\n-----END AGE ENCRYPTED FILE-----\n',
    tools: {},
    warnings: [],
  };
  const manifest = signManifest({ ...unsigned, ...options.fields }, options.signer ?? TEST_SIGNER);
  return { name: { tier, source, id }, folder: backupFolder({ source, group, tier, id }), manifest };
}

/** Writes a backup into a folder, as `sealBackup` leaves it. */
export async function writeBackup(root: string, options: BackupOptions = {}): Promise<Catalogued> {
  const backup = testBackup(options);
  await fillFolder(path.join(root, backup.folder), backup.manifest, contents(options));
  return backup;
}

/** Writes what belongs in a backup's folder, into its staging for example. */
export async function fillFolder(
  folder: string,
  manifest: Manifest,
  artifacts: Readonly<Record<string, Buffer>>,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of Object.entries(artifacts))
    await writeFile(path.join(folder, name), bytes, { mode: 0o600 });
  await writeFile(path.join(folder, KEY_FILE), manifest.key, { mode: 0o600 });
  await writeFile(path.join(folder, MANIFEST), encodeManifest(manifest), { mode: 0o600 });
}

export function storedOf(bytes: Uint8Array): Stored {
  return { bytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function artifactOf([name, content]: readonly [string, Buffer]): Artifact {
  const { bytes, sha256 } = storedOf(content);
  return { role: 'base', name, bytes, sha256, plainBytes: bytes };
}

function contents({ artifacts }: BackupOptions): Readonly<Record<string, Buffer>> {
  return artifacts ?? { 'base.tar.zst.age': Buffer.from('what was captured') };
}
