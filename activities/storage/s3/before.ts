/**
 * A bucket as it was before an attack. Whoever has the host's credentials and its keys can sign whatever he likes, also a manifest that looks a year
 * old; when a version was stored is said by the server, and cannot be chosen. So what was stored later is not seen, however authentic it looks.
 */
import path from 'node:path';
import type { Readable } from 'node:stream';
import { BackupError } from '../../../model/errors.ts';
import { MANIFEST } from '../../../model/paths.ts';
import { manifestDigest, readableManifest } from '../manifest-file.ts';
import type { Accepts, Destination } from '../types.ts';
import type { Bucket } from './bucket.ts';
import { artifactIn, inTurn, manifestBeside, objectVersions } from './choose.ts';
import { artifactVersion } from './choose-artifact.ts';
import { freezes } from '../../../model/config/destinations/thaw.ts';
import { listBefore } from './list.ts';
import { lockedUntil } from './lock.ts';
import { bytesOf, digestBack, missing, openObject } from './read.ts';
import { s3Thawing } from './thaw.ts';
import type { Version } from './versions.ts';

export interface Before {
  readonly bucket: Bucket;
  readonly versioned: () => Promise<boolean>;
  readonly accepts: Accepts | undefined;
  /** Milliseconds since the epoch, by the clock of the server. */
  readonly before: number;
  /** What no lock keeps now counts as missing. */
  readonly lockedOnly: boolean;
}

/** Servers tell whole seconds. */
const SECOND = 1000;

/** @param now the same bucket as it is. */
export function s3Before(now: Destination, view: Before): Destination {
  const { bucket, before } = view;

  async function seenVersion(key: string): Promise<string> {
    const version = await versionBefore(view, key);
    if (version === undefined) throw missing(bucket, key);
    return version;
  }
  async function open(key: string): Promise<Readable> {
    const stream = await openObject(bucket, { key, version: await seenVersion(key) });
    if (stream === undefined) throw missing(bucket, key);
    return stream;
  }
  async function refuse(): Promise<never> {
    throw readOnly(bucket, before);
  }

  return {
    ...now,
    async *list(prefix, options = {}) {
      await requireVersions(view);
      yield* listBefore(bucket, prefix, { options, was: (time) => wasThere(view, time) });
    },
    async readSmall(key) {
      if (path.posix.basename(key) === MANIFEST) return (await manifestBefore(view, key))?.bytes;
      const [newest] = await versionsBefore(view, key);
      return newest && bytesOf(bucket, { key, version: newest.id });
    },
    async *earlier(key) {
      for (const { id: version } of inTurn(await versionsBefore(view, key))) {
        const bytes = await bytesOf(bucket, { key, version });
        if (bytes !== undefined) yield bytes;
      }
    },
    open,
    ...(freezes(bucket.config) ? { thawing: s3Thawing(bucket, seenVersion) } : {}),
    async digest(key, work) {
      const version = await versionBefore(view, key);
      return version === undefined ? undefined : digestBack(bucket, { key, version }, work, `reading ${key} back`);
    },
    ...(now.lockedUntil === undefined
      ? {}
      : {
          async lockedUntil(key: string) {
            const version = await versionBefore(view, key);
            return version === undefined ? null : lockedUntil(bucket, { key, version });
          },
        }),
    putSmall: refuse,
    put: refuse,
    copyWithin: refuse,
    keep: refuse,
    probe: refuse,
    pruner: async () => null,
  };
}

/** Only what lies in a second that was over by then: in the same one the attack may have come first. */
function wasThere({ before }: Before, time: number | undefined): boolean {
  return time !== undefined && Math.floor(time / SECOND) * SECOND + SECOND <= before;
}

/** The newest first. */
async function versionsBefore(view: Before, key: string): Promise<readonly Version[]> {
  const { bucket, lockedOnly } = view;
  await requireVersions(view);
  const there = (await objectVersions(bucket, key)).filter(({ time }) => wasThere(view, time));
  if (!lockedOnly) return there;
  const locks = await Promise.all(there.map(({ id: version }) => lockedUntil(bucket, { key, version })));
  return there.filter((_version, index) => locks[index] !== null && locks[index] !== undefined);
}

/** Undefined where there was none. */
async function versionBefore(view: Before, key: string): Promise<string | undefined> {
  if (path.posix.basename(key) === MANIFEST) return (await manifestBefore(view, key))?.version;
  const versions = await versionsBefore(view, key);
  const [newest] = versions;
  if (newest === undefined || versions.length === 1) return newest?.id;
  const artifact = artifactIn((await manifestBefore(view, manifestBeside(key)))?.bytes, key);
  const right = artifact && (await artifactVersion(view.bucket, key, { versions, artifact }));
  return right ?? newest.id;
}

interface Chosen {
  readonly bytes: Uint8Array;
  readonly version: string;
}

/** As it is accepted; where no version is, the newest, so that what is wrong with it is told. */
async function manifestBefore(view: Before, key: string): Promise<Chosen | undefined> {
  const { bucket, accepts } = view;
  const there: Chosen[] = [];
  for (const { id: version } of inTurn(await versionsBefore(view, key))) {
    const bytes = await bytesOf(bucket, { key, version });
    if (bytes === undefined) continue;
    if (accepts === undefined || (await accepts(key, bytes))) return { bytes, version };
    there.push({ bytes, version });
  }
  return (await rotatedLater(view, key, there)) ?? there[0];
}

/**
 * Where keys were rotated since, what was there opens with none of today's identities. A later version is then believed that says the same in all
 * that is signed: only its `key` can be another, and a wrong one opens nothing.
 */
async function rotatedLater(
  { bucket, accepts }: Before,
  key: string,
  there: readonly Chosen[],
): Promise<Chosen | undefined> {
  if (there.length === 0 || accepts === undefined) return undefined;
  const known = new Map(there.map(({ bytes, version }) => [digestIn(bytes), version]));
  for (const { id } of inTurn(await objectVersions(bucket, key))) {
    const bytes = await bytesOf(bucket, { key, version: id });
    const version = bytes && known.get(digestIn(bytes));
    if (bytes && version !== undefined && (await accepts(key, bytes))) return { bytes, version };
  }
  return undefined;
}

/** Of what is signed in it; undefined for what is no manifest. */
function digestIn(bytes: Uint8Array): string | undefined {
  const manifest = readableManifest(bytes);
  return manifest && manifestDigest(manifest);
}

async function requireVersions({ bucket, versioned }: Before): Promise<void> {
  if (await versioned()) return;
  const { destination } = bucket.where;
  throw new BackupError(
    'refused',
    `The bucket ${bucket.name} of ${destination} keeps no versions: nobody can tell what it held before.`,
    {
      remedy: `Take "before" out of ${destination}, and restore what its digests show to be right; or use another destination.`,
      facts: { destination },
    },
  );
}

function readOnly({ where }: Bucket, before: number): BackupError {
  const { destination } = where;
  return new BackupError(
    'refused',
    `${destination} is read as it was at ${new Date(before).toISOString()}: nothing is written to it.`,
    { remedy: `Take "before" out of ${destination} to back up to it again.`, facts: { destination } },
  );
}
