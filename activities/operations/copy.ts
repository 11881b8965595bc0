/** Copying of one backup to one destination: parents first, artifacts, key, and the manifest last, as its commit point. */
import { BackupError } from '../../model/errors.ts';
import { sizes } from '../../model/manifest.ts';
import type { Manifest } from '../../model/manifest.ts';
import { isFolderOf, KEY_FILE, MANIFEST } from '../../model/paths.ts';
import { formatReference } from '../../model/reference.ts';
import { keptUntil } from '../../model/retention/kept-until.ts';
import type { CopiedBackup } from '../../model/run.ts';
import { formatBytes } from '../../model/units.ts';
import type { TrustedKey } from '../keys/signing.ts';
import { trustedKeys } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { chainOf, type Catalogued } from '../storage/catalogue.ts';
import {
  checkManifest,
  encodeManifest,
  manifestDigest,
  manifestVerdict,
  readableManifest,
} from '../storage/manifest-file.ts';
import type { Destination, Keeping, LocalStore, PutSmallOptions } from '../storage/types.ts';
import { whileThere } from '../storage/while-there.ts';
import { aborted } from '../streams/pipeline.ts';
import type { Work } from '../work.ts';

export interface CopyRequest {
  readonly site: Site;
  readonly from: LocalStore;
  readonly to: Destination;
  readonly backup: Catalogued;
  /** What `from` holds: the backup's parents are found in it. */
  readonly catalogue: readonly Catalogued[];
  readonly work: Work;
}

/**
 * Copies a backup, and before it those of its parents that the destination lacks. Each object is confirmed by its
 * digest at the other side before it bears its name; done twice it changes nothing. `bytes` are those of the artifacts
 * that this call had to put.
 * @throws BackupError `verification-failed` or `not-authentic` when the local backup is not what was captured,
 *   `no-space`, `conflict`, `unreachable`, `access-denied`, `not-found` (a parent).
 */
export async function copyBackup(request: CopyRequest): Promise<CopiedBackup> {
  const started = Date.now();
  const { site, from, to, backup, catalogue, work } = request;
  const trusted = await trustedKeys(site);
  let bytes = 0;
  // A file that is gone with its whole repository is not lost.
  await whileThere(
    () => from.there?.() ?? Promise.resolve(),
    async () => {
      for (const { member, keeping } of withKeeping(request, chainOf(catalogue, backup))) {
        if (work.signal.aborted) throw aborted();
        checkManifest(member.manifest, trusted);
        bytes += await copyMember({ ...request, trusted }, member, keeping);
      }
    },
  );
  const milliseconds = Date.now() - started;
  work.log.info({ backup: formatReference(backup.name), destination: to.name, bytes, milliseconds }, 'backup copied');
  return { destination: to.name, bytes, milliseconds };
}

interface Trusting extends CopyRequest {
  readonly trusted: readonly TrustedKey[];
}

interface Member {
  readonly member: Catalogued;
  readonly keeping: Keeping;
}

/** Until when the rules keep each member of a chain: a parent as long as its last child. Full first, as the chain. */
function withKeeping({ site: { config }, to }: CopyRequest, chain: readonly Catalogued[]): readonly Member[] {
  const now = Date.now();
  let last: Date | null = null;
  return chain
    .toReversed()
    .map((member) => {
      const { source, tier, scheduled, started } = member.manifest;
      const own = keptUntil({ config, destination: to.name, source, tier, scheduled, started }, now);
      if (own !== null && (last === null || own > last)) last = own;
      return { member, keeping: last === null ? {} : { until: last } };
    })
    .toReversed();
}

/** Copies one member of a chain; returns the bytes of the artifacts that were put. */
async function copyMember(request: Trusting, member: Catalogued, keeping: Keeping): Promise<number> {
  const { from, to } = request;
  const { folder, manifest } = member;
  const found = await manifestThere(request, member);
  const there = found === 'strange' ? undefined : found;
  const held = await sizesAt(to, folder);
  const lacking = manifest.artifacts.filter(({ name, bytes }) => held.get(name) !== bytes);
  await requireRoom(to, lacking);
  // Behind a manifest each artifact was confirmed when it was put, so that its presence and size are enough (`verify`
  // reads them all again). Without one, `put` itself compares what may be there and leaves what is right.
  const artifacts = there === undefined ? manifest.artifacts : lacking;
  const total = sizes({ artifacts }).stored;
  let bytes = 0;
  for (const artifact of artifacts) {
    const key = `${folder}/${artifact.name}`;
    await to.put(key, from.file(key), artifact, shifted(request.work, bytes, total), keeping);
    bytes += artifact.bytes;
  }
  if (there === undefined) await putKeyAndManifest(request, member, { ...keeping, replace: found === 'strange' });
  else await keepThere(to, member, { there, hasKey: held.has(KEY_FILE), keeping });
  return bytes;
}

async function putKeyAndManifest(
  { from, to }: CopyRequest,
  member: Catalogued,
  { replace, ...keeping }: PutSmallOptions,
): Promise<void> {
  const { folder } = member;
  let written: Manifest | undefined;
  // A rotation that passes by meanwhile finds no backup here yet. So what it has written in the repository since is taken along.
  for (let now = await withKeyOfNow(from, member); now.key !== written?.key; now = await withKeyOfNow(from, member)) {
    await to.putSmall(`${folder}/${KEY_FILE}`, Buffer.from(now.key, 'utf8'), { replace: true, ...keeping });
    const over = { replace: replace || written !== undefined, ...keeping };
    await to.putSmall(`${folder}/${MANIFEST}`, encodeManifest(now), over);
    written = now;
  }
}

interface There {
  readonly there: ManifestThere;
  /** Whether key.age is there. */
  readonly hasKey: boolean;
  readonly keeping: Keeping;
}

/**
 * What is there already stays as it is. Its `key` may be another than here: a rotation has passed by one place and not by
 * the other, and without an identity nobody can tell which of two wraps is the newer. So a rotation alone changes it: a copy
 * that did would open the backup to whom it was closed.
 */
async function keepThere(to: Destination, member: Catalogued, { there, hasKey, keeping }: There): Promise<void> {
  const { folder } = member;
  if (!hasKey)
    await to.putSmall(`${folder}/${KEY_FILE}`, Buffer.from(there.key, 'utf8'), { replace: true, ...keeping });
  // Where a bucket keeps versions, somebody may have hidden it, or put another above it.
  await to.putSmall(`${folder}/${MANIFEST}`, there.bytes, { replace: true, ...keeping });
  // What was there before has the lock of then: it may have got a child since.
  if (keeping.until !== undefined) await keepLonger(to, member, keeping.until);
}

/** The manifest as it lies in the repository now. One that is gone, or damaged, since the catalogue was read changes nothing. */
async function withKeyOfNow(from: LocalStore, { folder, manifest }: Catalogued): Promise<Manifest> {
  const bytes = await from.readSmall(`${folder}/${MANIFEST}`);
  const now = bytes === undefined ? undefined : readableManifest(bytes);
  return now !== undefined && manifestDigest(now) === manifestDigest(manifest) ? now : manifest;
}

async function keepLonger(to: Destination, { folder, manifest }: Catalogued, until: Date): Promise<void> {
  const names = [...manifest.artifacts.map(({ name }) => name), KEY_FILE, MANIFEST];
  for (const name of names) await to.keep(`${folder}/${name}`, until);
}

interface ManifestThere {
  /** As they lie there. */
  readonly bytes: Uint8Array;
  readonly key: string;
}

/**
 * The manifest of this backup at the destination, or undefined; `strange` where ours may be written over what is there: it is
 * none that we would believe, and the bucket keeps what is written over.
 * @throws BackupError `conflict` when another backup, or something unreadable, has its name there.
 */
async function manifestThere(
  { to, trusted }: Trusting,
  { name, folder, manifest }: Catalogued,
): Promise<ManifestThere | 'strange' | undefined> {
  const bytes = await to.readSmall(`${folder}/${MANIFEST}`);
  if (bytes === undefined) return undefined;
  const found = readableManifest(bytes);
  const isGood = found !== undefined && manifestVerdict(found, trusted) === 'good';
  if (found !== undefined && manifestDigest(found) === manifestDigest(manifest))
    // Somebody else's signature over the same words: ours in its place loses nothing.
    return isGood ? { bytes, key: found.key } : 'strange';
  if (!(isGood && isFolderOf(folder, found)) && (await to.keepsVersions?.())) return 'strange';
  const reference = formatReference(name);
  const what = found === undefined ? 'a manifest that cannot be read' : 'another backup of this name';
  throw new BackupError(
    'conflict',
    `${to.name} holds ${what} in ${folder}. It was left as it is, and ${reference} was not copied.`,
    {
      remedy: `See with \`mosaic-backup verify\` what it is, and move the folder at ${to.name} away; the copy is then made up for.`,
      facts: { reference, destination: to.name, folder },
    },
  );
}

/** What lies in a folder of the destination: bytes by name. */
async function sizesAt(to: Destination, folder: string): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for await (const { key, bytes } of to.list(folder)) found.set(key.slice(folder.length + 1), bytes);
  return found;
}

/** Sees before the first byte whether all of it will fit. */
async function requireRoom(to: Destination, artifacts: Manifest['artifacts']): Promise<void> {
  const needed = sizes({ artifacts }).stored;
  const free = needed === 0 ? null : await to.free();
  if (free === null || free >= needed) return;
  throw new BackupError(
    'no-space',
    `${to.name} has ${formatBytes(free)} free, and this copy needs ${formatBytes(needed)}. Nothing was written.`,
    {
      remedy: `Free at least ${formatBytes(needed - free)} there; the copy is then made up for.`,
      facts: { destination: to.name, free, needed },
    },
  );
}

/** Counts an artifact's bytes on top of those before it. */
function shifted(work: Work, before: number, total: number): Work {
  return { ...work, progress: (report) => work.progress({ ...report, bytes: before + report.bytes, total }) };
}
