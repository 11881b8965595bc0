/** What the methods are given, and what each gives back. */
import type { RedisSource } from '../../../model/config/source.ts';
import type { CaptureContext } from '../types.ts';
import type { Asking } from './client.ts';
import type { Facts, Names } from './facts.ts';
import type { Window } from './inventory.ts';
import type { Position } from './position.ts';

export type Info = Omit<Facts, 'settings'>;

export interface Taking {
  readonly context: CaptureContext<RedisSource>;
  readonly asking: Asking;
  /** From before the capture. */
  readonly facts: Facts;
  readonly names: Names;
}

export interface Taken {
  /** The look at the server whose counts the inventory holds. */
  readonly counted: Info;
  /** What may have happened between that look and the snapshot. */
  readonly window: Window;
  readonly position: Pick<Position, 'why' | 'times' | 'rdbBytes' | 'files'>;
}

/** Fewer bytes than this is no RDB of so many keys: half of them may have gone, and each takes three bytes at least. */
export function leastRdbBytes({ databases }: Pick<Facts, 'databases'>): number {
  const keys = databases.reduce((sum, database) => sum + database.keys, 0);
  return Math.max(SMALLEST_RDB, Math.floor((keys * 3) / 2));
}

/** "REDIS0010", the end mark, and the checksum. */
const SMALLEST_RDB = 18;
