/** The vocabulary of storage: one interface for the repository's reading side and for every destination. */
import type { Readable } from 'node:stream';
import type { DestinationConfig } from '../../model/config/destination.ts';
import type { ThawSpeed, ThawTimes } from '../../model/config/destinations/thaw.ts';
import type { SecretReader } from '../config/secrets.ts';
import type { Work } from '../work.ts';

/** Size and digest of a stored object, as the storage's own side reads it back. */
export interface Stored {
  readonly bytes: number;
  /** SHA-256, lowercase hex. */
  readonly sha256: string;
}

export interface ListedObject {
  /** Key below the root, as made by model/paths.ts. */
  readonly key: string;
  readonly bytes: number;
  /**
   * Another one whenever the object is another one: of its times and its inode, of its tag. Absent where the place cannot
   * tell, or the object is so young that a change might not show.
   */
  readonly version?: string;
  /** What somebody has done to it at that place, in words, though it can still be read. */
  readonly problem?: string;
}

export interface ListOptions {
  /** Only objects whose key ends in `/<named>`: lets a store skip the rest cheaply, where it can. */
  readonly named?: string;
  /** With what counts as missing, and has left something there: for whoever deletes all of it. */
  readonly struckOff?: boolean;
}

/** Reading side: what listing, verification and restore need. Keys that leave the root are refused everywhere. */
export interface Store {
  /** Beginning of the names of files in state that remember its records; absent where nothing is remembered. */
  readonly remembers?: string;
  /**
   * Every object below a prefix (a folder without its last slash; '' is the root), in the order of keys; staging,
   * links and whatever else begins with a dot are left out. Nothing below it: ends at once. The place itself cannot
   * be reached: `unreachable`.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>;
  /** A small object (manifest, evidence, recovery point); undefined when there is none. */
  readSmall(key: string): Promise<Uint8Array | undefined>;
  /** What a small object was before it was replaced, the newest first. Absent where a place keeps nothing of that. */
  earlier?(key: string): AsyncIterable<Uint8Array>;
  /** A bulk object. Fails with `not-found`; with `frozen` where it must be thawed first. */
  open(key: string): Promise<Readable>;
  /** How objects are brought back that lie frozen. Absent where every object is readable at once. */
  readonly thawing?: Thawing;
  /** Reads the object back at the other side; undefined when there is none. */
  digest(key: string, work: Work): Promise<Stored | undefined>;
}

/** Cold storage: an object is asked for, hours later it can be read, and days later it is frozen again. */
export interface Thawing {
  /** The name of the place, for messages and commands. */
  readonly destination: string;
  /** The speeds that can be asked for, and what each takes. */
  readonly takes: ThawTimes;
  /**
   * Whether an object can be read now. Small objects (manifests, evidence) always can.
   * @throws BackupError `not-found`, `unreachable`, `access-denied`.
   */
  state(key: string): Promise<ThawState>;
  /**
   * Asks for an object. One that is asked for already is left, and one that is readable at most kept for longer, where
   * that is nearly free: asking costs money.
   * @throws BackupError as `state`; `refused` for a speed that the object cannot be had with.
   */
  ask(key: string, options: ThawOptions): Promise<void>;
}

export type ThawState =
  | { readonly state: 'frozen' }
  /** Asked for, and not there yet. */
  | { readonly state: 'thawing'; readonly since?: Date }
  /** Readable; where it was thawed, until then. */
  | { readonly state: 'readable'; readonly until?: Date };

export interface ThawOptions {
  readonly speed: ThawSpeed;
  /** Days that it stays readable, where the place lets one choose. */
  readonly days: number;
}

/** A store whose objects are files of this host: the side that copies are made from. */
export interface LocalStore extends Store {
  /** The file of a key, whether or not it exists. */
  file(key: string): string;
  /**
   * Looks whether the place is there still: who reads its files by their names tells so one that is gone from a place that is
   * away. Absent for a folder that may be any. @throws BackupError `unreachable`
   */
  there?(): Promise<void>;
}

/** How long an object must stay. Where a place has locks this is one; other places do not ask. */
export interface Keeping {
  /** Nobody deletes or changes the object before then. A lock is only ever made longer, never shorter. */
  readonly until?: Date;
}

export interface PutOptions extends Keeping {
  /** Bytes a second. */
  readonly maxRate?: number;
}

export interface PutSmallOptions extends Keeping {
  /** False: a different object that exists is a `conflict`. */
  readonly replace: boolean;
}

/** A store that takes small records besides: evidence is written where the backup was verified. */
export interface WritableStore extends Store {
  /** Stores a small object, visible only when whole and durable. */
  putSmall(key: string, bytes: Uint8Array, options: PutSmallOptions): Promise<void>;
}

/** A place for further copies. Every operation is idempotent; what is half-written is never listed. */
export interface Destination extends WritableStore {
  readonly name: string;
  readonly type: string;
  /** Where it physically is, so that copies on one device are not counted twice. */
  device(): Promise<string>;
  readonly offsite: boolean;
  /**
   * Stores a file under a key. Visible under its name only when whole and durable, and only after the other side has
   * read back exactly `expected`: once it returns, the copy is confirmed. An equal object that is there already is left.
   * @throws BackupError `verification-failed` when the file itself is not what is expected, `no-space`, `unreachable`, `access-denied`.
   */
  put(key: string, file: string, expected: Stored, work: Work, options?: PutOptions): Promise<void>;
  /** Makes the lock of an object that is there longer, up to `until`: a parent stays as long as its last child. Nothing where a place has no locks. */
  keep(key: string, until: Date): Promise<void>;
  /**
   * Until when nobody can delete or change an object; null: it is not locked. Absent where a place has no locks, or is
   * to have none.
   */
  lockedUntil?(key: string): Promise<Date | null>;
  /**
   * Copies an object to another key without sending it again; confirmed as `put` is. Absent where a place cannot.
   * Where nothing that can be read is under `from`, or something else than `expected`, nothing is done: whoever puts it
   * then sends it.
   * @throws BackupError as `put`.
   */
  copyWithin?(from: string, to: string, expected: Stored, work: Work, keeping?: Keeping): Promise<void>;
  /** Whether what is written over stays there as an earlier version. Absent where it never does. */
  keepsVersions?(): Promise<boolean>;
  /** The place's own clock. Absent, or null, where it cannot be asked. */
  clock?(): Promise<Date | null>;
  /** By whom objects are deleted; null where only another host has an identity that may. */
  pruner(): Promise<Pruner | null>;
  /** Free bytes, or null where the question makes no sense. */
  free(): Promise<number | null>;
  /** Fails with a typed error unless the place can be reached and written. */
  probe(): Promise<void>;
  /** The place's own list of what it holds, where it has one besides `list`. */
  readonly inventory?: Inventory;
  /** What its settings do not protect from, for doctor. Absent where there are none to look at. */
  weaknesses?(): Promise<readonly Weakness[]>;
}

/** A list that the place itself makes, in hours: it shows what nobody of ours knows of, and what is no longer there. */
export interface Inventory {
  /** Asks for a new one, unless one is under way. */
  ask(): Promise<void>;
  /** The newest one that is there, compared with what is on record; or how far it is. */
  look(): Promise<InventoryState>;
  /** Puts on record what is ours by its description, and strikes off what is missing, so that it is stored again. */
  record(report: InventoryReport): Promise<InventoryRecorded>;
}

export interface InventoryRecorded {
  readonly added: number;
  readonly struckOff: number;
}

export type InventoryState =
  | { readonly state: 'none' }
  | { readonly state: 'waiting'; readonly since?: Date }
  | { readonly state: 'ready'; readonly report: InventoryReport };

export interface InventoryReport {
  /** What was stored later is not in it. */
  readonly taken: Date;
  readonly archives: number;
  readonly bytes: number;
  /** On record, and not in the list. */
  readonly missing: readonly { readonly key: string; readonly archiveId: string }[];
  /** On record with another size or digest. */
  readonly different: readonly { readonly key: string; readonly archiveId: string; readonly found: string }[];
  /** In the list, and not on record. */
  readonly extra: readonly UnrecordedArchive[];
}

export interface UnrecordedArchive {
  readonly archiveId: string;
  readonly bytes: number;
  readonly treeHash: string;
  /** RFC 3339. */
  readonly created: string;
  /** What it is by its description; null where it is none of this site's. */
  readonly of: { readonly key: string; readonly sha256: string } | null;
}

export interface Weakness {
  readonly message: string;
  readonly remedy: string;
}

/** Deletes objects, by the identity of the config that may. */
export interface Pruner {
  /**
   * Deletes an object, whole and for good; one that is not there is fine.
   * @throws BackupError `refused` when a lock or a legal hold keeps it, `access-denied`, `unreachable`.
   */
  remove(key: string): Promise<void>;
}

/**
 * Whether this is a manifest that we would believe under its key: of the backup of that folder, signed by a trusted key
 * and, with an identity at hand, with a `key` that opens. Where a place keeps versions, anybody who may write can put a newer one above it.
 */
export type Accepts = (key: string, bytes: Uint8Array) => Promise<boolean>;

/** What a destination is made from. */
export interface DestinationContext<Config extends DestinationConfig> {
  readonly name: string;
  readonly config: Config;
  /** The site's name. */
  readonly site: string;
  /** This host's state folder: what is remembered about the place. */
  readonly state: string;
  /** Reads the secrets that the config names: credentials, keys of ssh. */
  readonly readSecret: SecretReader;
  /** Absent: the newest version is the one, whatever it says. */
  readonly accepts?: Accepts;
  /** Another destination of the site, for what this one cannot keep. @throws BackupError `not-found`. */
  readonly openOther: (name: string) => Destination;
}
