/**
 * Where a vault keeps what must be readable at once: at another destination, below `vaults/<name>/`, under the keys that
 * everything has anywhere else. Of an artifact, which is an archive with a number in the vault, a record lies there in
 * its place: `<key>.archive/<time>-<bytes>-<tag>.json`. Its name holds what a listing needs. None is ever rewritten, so
 * that a place that refuses that will do; of several the newest counts. One whose archive the vault no longer has is struck
 * off by another beside it, `….gone.json`.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { ARCHIVE_SCHEMA, archiveRecord, type ArchiveFacts } from '../../../model/archive-record.ts';
import { BackupError } from '../../../model/errors.ts';
import { isKey, MANIFEST, VAULTS } from '../../../model/paths.ts';
import { listAll } from '../list-all.ts';
import { parseManifest } from '../manifest-file.ts';
import { inParallel } from '../parallel.ts';
import { parseRecord } from '../record.ts';
import type { Destination, Keeping, ListedObject, ListOptions } from '../types.ts';

export interface Records {
  /** The other destination. */
  readonly at: Destination;
  /** The key there of a key of ours. @throws BackupError `refused` for what is no key. */
  keyAt(key: string): string;
  /** In the order of keys: all that lies below a prefix, artifacts with the bytes of their newest archive. */
  list(prefix: string, options: ListOptions): AsyncIterable<ListedObject>;
  /** What is known of the archives of an artifact, the one to be read first; those that cannot be read are left out. */
  archives(key: string): Promise<readonly ArchiveFacts[]>;
  /** All archives that an artifact ever had, struck off or not: what is to be deleted with it. */
  everyArchive(key: string): Promise<readonly ArchiveFacts[]>;
  /** All that can be read of all artifacts, for a comparison with what the vault says. */
  all(): Promise<readonly ArchiveFacts[]>;
  /** By the tags of archives, the artifacts that name one in a record, struck off or not. */
  namedBy(): Promise<ReadonlyMap<string, Set<string>>>;
  /** The keys at the other destination of all records of an artifact, readable or not, struck off or not. */
  recordKeys(key: string): Promise<readonly string[]>;
  add(record: ArchiveFacts, keeping: Keeping): Promise<void>;
  /** Makes the locks of what lies there of an artifact, or of a small object, longer. */
  keep(key: string, until: Date): Promise<void>;
  /** Strikes one off: its archive is no longer there, so that the artifact counts as missing. */
  strikeOff(record: ArchiveFacts): Promise<void>;
}

/** Records read at once. */
const PARALLEL = 16;
/** Milliseconds that the clocks of hosts and of the vault may differ by. */
export const CLOCKS_DIFFER = 3_600_000;
const FOLDER = '.archive';
const RECORD = /^(.+)\.archive\/(\d{8}T\d{9}Z)-(\d+)-([0-9a-f]{16})(\.gone)?\.json$/;

/**
 * @param name of the destination whose vault it is.
 * @param vault its name: records of another one, which the destination had before, are of no use.
 */
export function recordsAt(at: Destination, name: string, vault: string): Records {
  const before = `${VAULTS}/${name}`;

  function keyAt(key: string): string {
    if (isKey(key)) return `${before}/${key}`;
    const message = `"${key}" is not a key: it would leave what ${name} keeps, or name something hidden in it.`;
    throw new BackupError('refused', message, { facts: { key } });
  }
  async function recordKeys(key: string): Promise<readonly string[]> {
    const found = await listAll(at, `${keyAt(key)}${FOLDER}`);
    return found.map((object) => object.key).filter((one) => RECORD.test(one));
  }

  /** Those that can be read, the newest first. */
  async function readAll(keys: readonly string[]): Promise<readonly ArchiveFacts[]> {
    const read = await inParallel(keys.toSorted().toReversed(), PARALLEL, readOne);
    return read.filter((record) => record !== undefined);
  }

  /** Undefined for one that is damaged, of another vault, or was removed since it was listed. */
  async function readOne(own: string): Promise<ArchiveFacts | undefined> {
    for await (const bytes of everyVersion(at, own)) {
      const record = parsed(own, bytes);
      if (record === undefined || record.vault !== vault || !isKey(record.key)) continue;
      // What a listing shows is its name: one that lies under the name of another is none of ours.
      if (own.replace(/(\.gone)?\.json$/, '') === nameOf(record)) return record;
    }
    return undefined;
  }

  return {
    at,
    keyAt,
    recordKeys,
    async *list(prefix, options) {
      const below = prefix === '' ? before : keyAt(prefix);
      const { named } = options;
      if (named === MANIFEST) {
        for await (const object of at.list(below, options))
          yield { ...object, key: object.key.slice(before.length + 1) };
        return;
      }
      // A record does not sort where its key does: `a.archive/…` comes behind `a-b`. Records of cold storage are few.
      const found = new Map<string, ListedObject>();
      const all = await listAll(at, below);
      const counting = new Set(options.struckOff ? all.map(({ key }) => key) : inForce(all.map(({ key }) => key)));
      for (const object of all) {
        const own = { ...object, key: object.key.slice(before.length + 1) };
        if (RECORD.test(object.key) && !counting.has(object.key)) continue;
        const listed = artifactOf(own) ?? own;
        if (named === undefined || listed.key === named || listed.key.endsWith(`/${named}`))
          found.set(listed.key, listed);
      }
      yield* [...found.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
    },
    async archives(key) {
      const known = await readAll(inForce(await recordKeys(key)));
      return known.length > 1 ? wantedFirst(known, await digestWanted(at, keyAt(key))) : known;
    },
    async everyArchive(key) {
      return readAll(await recordKeys(key));
    },
    async all() {
      return readAll(inForce((await listAll(at, before)).map(({ key }) => key)));
    },
    async namedBy() {
      const named = new Map<string, Set<string>>();
      for (const object of await listAll(at, before)) {
        const [, own, , , tag] = RECORD.exec(object.key) ?? [];
        if (own === undefined || tag === undefined) continue;
        named.set(tag, (named.get(tag) ?? new Set()).add(own.slice(before.length + 1)));
      }
      return named;
    },
    async add(record, keeping) {
      await at.putSmall(`${nameOf(record)}.json`, encode(record), { replace: false, ...keeping });
    },
    async keep(key, until) {
      const own = keyAt(key);
      const known = await recordKeys(key);
      for (const each of known.length > 0 ? known : [own]) await at.keep(each, until);
    },
    async strikeOff(record) {
      await at.putSmall(`${nameOf(record)}.gone.json`, encode(record), { replace: false });
    },
  };

  /** Of a record, at the other destination. */
  function nameOf({ key, uploaded, bytes, archiveId }: ArchiveFacts): string {
    const stamp = uploaded.replaceAll(/[-:.]/g, '');
    return `${keyAt(key)}${FOLDER}/${stamp}-${bytes}-${tagOf(archiveId)}`;
  }
}

/** What tells an archive in the name of its record. */
export function tagOf(archiveId: string): string {
  return createHash('sha256').update(archiveId).digest('hex').slice(0, 16);
}

/** Of these keys, the records that were not struck off. */
function inForce(keys: readonly string[]): readonly string[] {
  const all = new Set(keys);
  return keys.filter((key) => {
    const [record, , , , , gone] = RECORD.exec(key) ?? [];
    return record !== undefined && gone === undefined && !all.has(key.replace(/\.json$/, '.gone.json'));
  });
}

function encode(record: ArchiveFacts): Buffer {
  return Buffer.from(`${JSON.stringify({ schema: ARCHIVE_SCHEMA, ...record }, null, 2)}\n`);
}

/** The artifact that a record stands for; undefined for another object. */
function artifactOf({ key: record }: ListedObject): ListedObject | undefined {
  const [, key, stamp, bytes, tag] = RECORD.exec(record) ?? [];
  return key === undefined ? undefined : { key, bytes: Number(bytes), version: `${stamp}-${tag}` };
}

/** What is there, and behind it what was there before somebody has put another over it, where the place keeps that. */
async function* everyVersion(at: Destination, own: string): AsyncGenerator<Uint8Array> {
  const now = await at.readSmall(own);
  if (now === undefined) return;
  yield now;
  if (at.earlier) yield* at.earlier(own);
}

/** Undefined for one that is damaged. */
function parsed(own: string, bytes: Uint8Array): ArchiveFacts | undefined {
  try {
    return parseRecord(bytes, archiveRecord, `record ${own}`);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'verification-failed') return undefined;
    throw error;
  }
}

/**
 * Whoever may write there can add a record: one of the bytes that the manifest names goes before a newer one of others.
 * One of a time that has not come, by a wrong clock or by intent, stands behind all: else no repair would ever count.
 */
function wantedFirst(records: readonly ArchiveFacts[], sha256: string | undefined): readonly ArchiveFacts[] {
  const rank = (record: ArchiveFacts) => 2 * Number(record.sha256 === sha256) - Number(isOfFuture(record));
  return records.toSorted((a, b) => rank(b) - rank(a));
}

export function isOfFuture({ uploaded }: Pick<ArchiveFacts, 'uploaded'>): boolean {
  return Date.parse(uploaded) > Date.now() + CLOCKS_DIFFER;
}

/** The digest of an artifact by the manifest beside it; undefined where none says one. */
async function digestWanted(at: Destination, key: string): Promise<string | undefined> {
  const manifest = await at.readSmall(`${path.posix.dirname(key)}/${MANIFEST}`);
  if (manifest === undefined) return undefined;
  try {
    return parseManifest(manifest).artifacts.find(({ name }) => name === path.posix.basename(key))?.sha256;
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}
