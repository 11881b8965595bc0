/** What earlier proofs of a backup recorded of its contents: which evidence holds it, and what stands there. */
import { BackupError } from '../../../model/errors.ts';
import type { Verified } from '../../../model/evidence.ts';
import { evidenceKey } from '../../../model/paths.ts';
import { parseReference, type PinnedReference } from '../../../model/reference.ts';
import type { ContentsRecord, TestChoice } from '../../../model/restore-test.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import type { EarlierContents } from '../../sources/earlier-contents.ts';
import { readContents } from '../../storage/evidence-file.ts';
import { openPlaceNamed } from '../keys/places.ts';

/** So many of the oldest are read, which everything is compared with that they have, and so many of the newest, which are by the programs of today. */
const MOST = 4;
/** Of so many that found the same one is enough: the others are read where it is gone, or is another by now. */
const COPIES = 3;

/** Of the proofs that held: the oldest of each digest, a few each. Those that compared and found the same add nothing else. */
export function recordsIn(
  tests: readonly Verified[],
  { reference, sha256 }: PinnedReference,
): readonly ContentsRecord[] {
  const name = parseReference(reference);
  if (name === undefined) return [];
  const held = tests
    .filter(({ backup, verdict }) => backup.sha256 === sha256 && verdict === 'ok')
    .toSorted((a, b) => (a.time < b.time ? -1 : 1));
  const records = held.flatMap(({ contents: digest, destination: place, time, what }): ContentsRecord[] =>
    digest === undefined ? [] : [{ digest, place, key: evidenceKey(name.source, name.id, time, what) }],
  );
  const all = [...Map.groupBy(records, ({ digest }) => digest).values()].map((same) => same.slice(0, COPIES));
  return [...all.slice(0, MOST), ...all.slice(MOST).slice(-MOST)].flat();
}

/** What stands in them, once for each digest. What cannot be read now is named, and compares with nothing but by its digest. */
export async function earlierContents(
  site: Site,
  { contents, records }: Pick<TestChoice, 'contents' | 'records'>,
): Promise<readonly EarlierContents[]> {
  if (records === undefined) {
    return contents === null ? [] : [{ digest: contents, contents: null, told: 'recorded before this run began' }];
  }
  const found = await Promise.all(records.map((record) => earlierContent(site, record)));
  return [...Map.groupBy(found, ({ digest }) => digest).values()].flatMap((same) => {
    const [first] = same;
    return same.find(({ contents }) => contents !== null) ?? (first ? [first] : []);
  });
}

async function earlierContent(site: Site, { digest, place, key }: ContentsRecord): Promise<EarlierContents> {
  const at = place ?? 'the repository';
  const told = `recorded by ${key} at ${at}`;
  try {
    const store = await openPlaceNamed(site, place ?? REPOSITORY);
    const found = await readContents(store, await trustedKeys(site), key);
    return { digest, contents: found?.digest === digest ? (found.contents ?? null) : null, told };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    return { digest, contents: null, told: `${told} (${error.message})` };
  }
}
