/** Records of a place: those that are remembered are not read again, unless they are other ones now. */
import { BackupError } from '../../model/errors.ts';
import {
  readRecordCache,
  writeRecordCache,
  type CachedRecord,
  type CacheFile,
  type RecordCache,
} from './record-cache.ts';
import type { ListedObject, Store } from './types.ts';

export interface RecordReader<Value, Result> {
  /** Absent: nothing is remembered of the place. */
  readonly cache: CacheFile | undefined;
  /** Reads records; one result for each, in their order. */
  readonly read: (objects: readonly ListedObject[]) => Promise<readonly Result[]>;
  /** What of a result is to be remembered, if anything. */
  readonly keep: (result: Result) => Omit<CachedRecord<Value>, 'version'> | undefined;
  /** The result of a record that was read before. */
  readonly known: (key: string, record: CachedRecord<Value>) => Result;
  /** Whether a record would have been listed: what was not looked for stays remembered. */
  readonly lookedFor: (key: string) => boolean;
}

/** The file of one kind of records of a place. @param of what their values hang on besides their objects. */
export function cacheOf({ remembers }: Pick<Store, 'remembers'>, kind: string, of = ''): CacheFile | undefined {
  return remembers === undefined ? undefined : { file: `${remembers}-${kind}.jsonl`, of: `${kind} ${of}` };
}

/** A place with fewer records is read as it is. */
const FEW = 64;
/** To write all of it again for a few would cost more than to read those again the next time. */
const WORTH_WRITING = 0.02;

/** @param listed in the order in which the results are wanted. */
export async function readRemembered<Value, Result>(
  listed: readonly ListedObject[],
  reader: RecordReader<Value, Result>,
): Promise<readonly Result[]> {
  const { cache, read, known } = reader;
  if (cache === undefined || listed.length < FEW) return read(listed);
  const before = await readRecordCache<Value>(cache);
  const same = ({ key, version }: ListedObject) => {
    const record = before.get(key);
    return version !== undefined && record?.version === version ? record : undefined;
  };
  const found = listed.map(same);
  const others = listed.filter((_object, index) => found[index] === undefined);
  const results = await read(others);
  const anew = new Map(others.map(({ key }, index) => [key, results[index]] as const));
  if (others.length > listed.length * WORTH_WRITING) await remember(reader, cache, { listed, before, anew });
  return listed.map(({ key }, index) => {
    const record = found[index];
    if (record) return known(key, record);
    // It was read just now: every one that is not the same was.
    return anew.get(key) as Result;
  });
}

interface Looked<Value, Result> {
  readonly listed: readonly ListedObject[];
  readonly before: RecordCache<Value>;
  /** What was read, by keys. */
  readonly anew: ReadonlyMap<string, Result | undefined>;
}

/** A state folder that is full costs time, and nothing else. */
async function remember<Value, Result>(
  { keep, lookedFor }: RecordReader<Value, Result>,
  cache: CacheFile,
  { listed, before, anew }: Looked<Value, Result>,
): Promise<void> {
  const now = new Map([...before].filter(([key]) => !lookedFor(key)));
  for (const { key, version } of listed) {
    const result = anew.get(key);
    const old = anew.has(key) ? undefined : before.get(key);
    if (old) now.set(key, old);
    const kept = result === undefined || version === undefined ? undefined : keep(result);
    if (kept && version !== undefined) now.set(key, { ...kept, version });
  }
  try {
    await writeRecordCache(cache, now);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
  }
}
