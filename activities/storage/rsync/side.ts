/** What the other side can do for us: with a shell there, or by rsync alone. */
import type { Readable } from 'node:stream';
import type { Work } from '../../work.ts';
import type { Stored } from '../types.ts';

export interface Side {
  /** Small files by their names below the folder, hidden ones too; those that are not there lack. */
  read(names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Undefined where there is none. */
  open(key: string): Promise<Readable | undefined>;
  digest(key: string, work: Work): Promise<Stored | undefined>;
  /**
   * Stores a small file, visible only when whole. Told by what is there afterwards, never by an exit status.
   * @param replace false: what is there by that name is left.
   */
  store(name: string, bytes: Uint8Array, replace: boolean): Promise<'stored' | 'other'>;
  /** Puts a file that is not there as it should be, confirmed before it bears its name where that can be. */
  put(upload: Upload): Promise<void>;
  /** Deletes an object, what was left of its upload, and the folders that this empties. */
  remove(key: string): Promise<void>;
  free(): Promise<number | null>;
  device(): Promise<string>;
  /** What time it is there; null where it cannot be asked. */
  clock(): Promise<Date | null>;
  /** Writes something that leaves nothing. */
  probe(): Promise<void>;
}

export interface Upload {
  readonly key: string;
  readonly file: string;
  readonly expected: Stored;
  readonly work: Work;
  /** Bytes in a second, where there is a limit. */
  readonly maxRate: number | undefined;
  /** A folder of our own here, for as long as it lasts. */
  readonly stage: string;
}

export interface RsyncSideOptions {
  /** This host's state folder: what is read back lies there for a while. */
  readonly state: string;
  readonly confirm: 'checksum' | 'read';
}
