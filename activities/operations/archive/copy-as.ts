/**
 * A backup under another tier at a destination: the same artifacts and key, and a manifest of its own that says what it is a
 * copy of. It is made of the original alone, so that whoever makes it, and however often, makes the same.
 */
import type { Manifest, UnsignedManifest } from '../../../model/manifest.ts';
import { backupFolder, MANIFEST } from '../../../model/paths.ts';
import type { CopiedBackup } from '../../../model/run.ts';
import { defaultGroup, type Tier } from '../../../model/source.ts';
import { keptUntil } from '../../../model/retention/kept-until.ts';
import { siteSigner, trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { pinned, type Catalogued } from '../../storage/catalogue.ts';
import { checkManifest, manifestDigest, readableManifest, signManifest } from '../../storage/manifest-file.ts';
import type { Destination, LocalStore } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { copyBackup } from '../copy.ts';

export interface CopyAsRequest {
  readonly site: Site;
  readonly from: LocalStore;
  readonly to: Destination;
  /** A full. */
  readonly original: Catalogued;
  readonly tier: Tier;
  readonly work: Work;
}

/** @throws BackupError as `copyBackup`. */
export async function copyAs(request: CopyAsRequest): Promise<CopiedBackup> {
  const { site, from, to, original, tier, work } = request;
  // What is signed below is said by this host: nothing of a stranger's, or changed since, becomes its own.
  checkManifest(original.manifest, await trustedKeys(site));
  const backup = await underTier(site, original, tier);
  await copyWithinPlace(request, backup);
  // The bytes lie in the original's folder.
  const file = (key: string) => from.file(key.replace(`${backup.folder}/`, `${original.folder}/`));
  return copyBackup({ site, from: { ...from, file }, to, backup, catalogue: [backup], work });
}

async function underTier(site: Site, { name, manifest }: Catalogued, tier: Tier): Promise<Catalogued> {
  const { signature: _signature, ...unsigned } = manifest;
  const copy: UnsignedManifest = { ...unsigned, tier, copyOf: pinned(manifest) };
  const place = { source: name.source, group: defaultGroup(manifest.type), tier, id: name.id };
  return {
    name: { ...name, tier },
    folder: backupFolder(place),
    manifest: signManifest(copy, await siteSigner(site)),
  };
}

/** Where a destination holds the original and can copy by itself, nothing is sent there twice. */
async function copyWithinPlace({ site, to, original, work }: CopyAsRequest, backup: Catalogued): Promise<void> {
  if (!to.copyWithin) return;
  const there = await manifestAt(to, original);
  if (!there || manifestDigest(there) !== manifestDigest(original.manifest)) return;
  const { source, tier, scheduled, started } = backup.manifest;
  const until = keptUntil({ config: site.config, destination: to.name, source, tier, scheduled, started }, Date.now());
  for (const artifact of original.manifest.artifacts) {
    const keys = { from: `${original.folder}/${artifact.name}`, to: `${backup.folder}/${artifact.name}` };
    await to.copyWithin(keys.from, keys.to, artifact, work, until === null ? {} : { until });
  }
}

/** A damaged one vouches for nothing: then it is sent. */
async function manifestAt(to: Destination, { folder }: Catalogued): Promise<Manifest | undefined> {
  const bytes = await to.readSmall(`${folder}/${MANIFEST}`);
  return bytes && readableManifest(bytes);
}
