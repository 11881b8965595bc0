/** The objects that a restore needs, and how they stand at a place of cold storage. */
import { BackupError } from '../../../model/errors.ts';
import { withoutExports } from '../../../model/export.ts';
import type { Artifact } from '../../../model/manifest.ts';
import { NO_FACTS, plus, type ThawFacts } from '../../../model/thaw.ts';
import { inParallel } from '../../storage/parallel.ts';
import type { Catalogued } from '../../storage/catalogue.ts';
import type { Thawing, ThawOptions, ThawState } from '../../storage/types.ts';
import type { Work } from '../../work.ts';

export interface BulkObject {
  readonly key: string;
  readonly bytes: number;
  /** The data can be restored without it: that it is not there keeps nothing else from being thawed. */
  readonly spare: boolean;
}

/** Looks at once: each is a request that moves nothing. */
const PARALLEL = 8;

/** Of the backup itself everything, so that any restore and check of it can be made; of what it builds on what such a one reads. */
export function objectsToThaw(chain: readonly Catalogued[], logs: readonly Catalogued[]): readonly BulkObject[] {
  const newest = chain.at(-1);
  return [...chain, ...logs].flatMap((backup) =>
    objectsOf(backup, (backup === newest ? backup.manifest : withoutExports(backup.manifest)).artifacts),
  );
}

/** What a restore of the files reads: no exports. */
export function objectsToRestore(backups: readonly Catalogued[]): readonly BulkObject[] {
  return backups.flatMap((backup) => objectsOf(backup, withoutExports(backup.manifest).artifacts));
}

export function objectsOf({ folder }: Catalogued, artifacts: readonly Artifact[]): readonly BulkObject[] {
  return artifacts.map(({ name, bytes, role }) => ({ key: `${folder}/${name}`, bytes, spare: role === 'inventory' }));
}

/** How they stand now. @throws BackupError `not-found`, `unreachable`, `access-denied`. */
export async function lookAt(thawing: Thawing, objects: readonly BulkObject[]): Promise<ThawFacts> {
  const states = await inParallel(objects, PARALLEL, async (object) => ({
    object,
    now: await stateOf(thawing, object),
  }));
  return states.reduce((facts, { object, now }) => counted(facts, object, now), NO_FACTS);
}

/** The same, and asks for what is frozen or would freeze again soon. */
export async function askFor(
  thawing: Thawing,
  objects: readonly BulkObject[],
  options: ThawOptions,
  work: Work,
): Promise<ThawFacts> {
  const total = objects.length;
  let looked = 0;
  const states = await inParallel(objects, PARALLEL, async (object) => {
    work.signal.throwIfAborted();
    const now = await stateOf(thawing, object);
    if (now?.state === 'frozen' || (now?.state === 'readable' && now.until !== undefined))
      await thawing.ask(object.key, options);
    looked += 1;
    const phase = `asking ${thawing.destination}: ${looked} of ${total} objects`;
    work.progress({ phase, bytes: 0, total: null, activity: looked });
    return { object, now };
  });
  return states.reduce((facts, { object, now }) => {
    if (now?.state !== 'frozen') return counted(facts, object, now);
    return { ...counted(facts, object, { state: 'thawing' }), asked: plus(facts.asked, object.bytes) };
  }, NO_FACTS);
}

/** Undefined where it is not there, and can be spared: whoever reads it is told, and `verify` tells it too. */
async function stateOf(thawing: Thawing, { key, spare }: BulkObject): Promise<ThawState | undefined> {
  try {
    return await thawing.state(key);
  } catch (error) {
    if (spare && error instanceof BackupError && error.code === 'not-found') return undefined;
    throw error;
  }
}

function counted(facts: ThawFacts, { bytes }: BulkObject, now: ThawState | undefined): ThawFacts {
  if (now === undefined) return facts;
  const until = now.state === 'readable' ? (now.until?.toISOString() ?? null) : null;
  return {
    ...facts,
    all: plus(facts.all, bytes),
    [now.state]: plus(facts[now.state], bytes),
    until: until !== null && (facts.until === null || until < facts.until) ? until : facts.until,
  };
}
