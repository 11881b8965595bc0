/** The vocabulary of storage: one interface for the repository's reading side and for every destination. */
import type { Readable } from 'node:stream';
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
}

/** Reading side: what listing, verification and restore need. */
export interface Store {
  /** Every object below a prefix, in the order of keys; staging and links are left out. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** A small object (manifest, evidence, recovery point); undefined when there is none. */
  readSmall(key: string): Promise<Uint8Array | undefined>;
  /** A bulk object. Fails with `not-found`. */
  open(key: string): Promise<Readable>;
  /** Reads the object back at the other side; undefined when there is none. */
  digest(key: string, work: Work): Promise<Stored | undefined>;
}

/** A place for further copies. Every operation is idempotent; what is half-written is never listed. */
export interface Destination extends Store {
  readonly name: string;
  readonly type: string;
  /** Where it physically is, so that copies on one device are not counted twice. */
  device(): Promise<string>;
  readonly offsite: boolean;
  /** Stores a file under a key: visible under its name only when whole and durable. An equal object that is there already is left. */
  put(key: string, file: string, expected: Stored, work: Work): Promise<void>;
  /** Stores a small object, the same way. With `replace: false` a different one that exists is a `conflict`. */
  putSmall(key: string, bytes: Uint8Array, options: { readonly replace: boolean }): Promise<void>;
  /** Free bytes, or null where the question makes no sense. */
  free(): Promise<number | null>;
  /** Fails with a typed error unless the place can be reached and written. */
  probe(): Promise<void>;
}
