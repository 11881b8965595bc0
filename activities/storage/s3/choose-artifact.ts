/** Which version of an artifact is the one that its manifest names. */
import type { Artifact } from '../../../model/manifest.ts';
import { isEqual } from '../damaged-file.ts';
import { quietWork } from '../quiet.ts';
import { thawStateOf } from './archived.ts';
import { DIGEST } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { agrees, wholeChecksum } from './checksums.ts';
import { digestBack, headOf } from './read.ts';
import type { Version } from './versions.ts';

/** Versions that are asked what they are, of the newest and of the oldest: below ours nobody can put anything. */
const [NEWEST, OLDEST] = [20, 50];
/** Versions that are read whole, at most: each may be terabytes. */
const MOST_READ = 4;

/**
 * The version whose recorded size and digest are right; undefined where none says so. Whoever may write can record what
 * he likes: where several say so, the one of which the server itself has computed it counts, else they are read, the oldest
 * first, since nobody who comes later puts anything below ours. Where none is right that can be read, it is the oldest that lies frozen.
 * @param versions the newest first.
 */
export async function artifactVersion(
  bucket: Bucket,
  key: string,
  { versions, artifact }: { readonly versions: readonly Version[]; readonly artifact: Artifact },
): Promise<string | undefined> {
  const saying: Saying[] = [];
  for (const { id, bytes } of [...versions.slice(0, NEWEST), ...versions.slice(NEWEST).slice(-OLDEST)]) {
    if (bytes !== artifact.bytes) continue;
    const head = await headOf(bucket, { key, version: id });
    if (head?.Metadata?.[DIGEST] !== artifact.sha256) continue;
    const computed = agrees(head.ChecksumSHA256, wholeChecksum(artifact.sha256)) === true;
    saying.push({ id, computed, frozen: thawStateOf(head).state !== 'readable' });
  }
  if (saying.length <= 1) return saying[0]?.id;
  const oldestFirst = saying.toReversed();
  const sure = saying.find(({ computed }) => computed) ?? (await firstRight(bucket, key, oldestFirst, artifact));
  return (sure ?? oldestFirst.find(({ frozen }) => frozen) ?? saying[0])?.id;
}

interface Saying {
  readonly id: string;
  /** The server's own checksum of the whole is the right one. */
  readonly computed: boolean;
  readonly frozen: boolean;
}

async function firstRight(
  bucket: Bucket,
  key: string,
  saying: readonly Saying[],
  artifact: Artifact,
): Promise<Saying | undefined> {
  for (const each of saying.filter(({ frozen }) => !frozen).slice(0, MOST_READ)) {
    const found = await digestBack(
      bucket,
      { key, version: each.id },
      quietWork(),
      `looking for the right version of ${key}`,
    );
    if (found !== undefined && isEqual(found, artifact)) return each;
  }
  return undefined;
}
