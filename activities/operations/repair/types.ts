/** Repair of copies: a place, what is wrong with a backup there, and what became of it. */
import type { Check } from '../../../model/evidence.ts';
import type { Catalogued } from '../../storage/catalogue.ts';
import type { PutOptions, Stored, WritableStore } from '../../storage/types.ts';
import type { Work } from '../../work.ts';

/** The repository or a destination: both are read from, and written to by the same rules. */
export interface RepairPlace {
  readonly name: string;
  /** Null for the repository. */
  readonly destination: string | null;
  readonly store: WritableStore;
  /** The file of a key, where objects are files of this host. */
  readonly file?: (key: string) => string;
  /** As a destination's: visible only when whole and read back, and an equal object is left. */
  readonly put: (key: string, file: string, expected: Stored, work: Work, options?: PutOptions) => Promise<void>;
}

/** What every check of a backup at one place found. */
export interface Examined {
  readonly place: RepairPlace;
  readonly checks: readonly Check[];
}

/** One object that is to be put right. `record`: the manifest with its key. */
export interface Repair {
  readonly object: string;
  readonly kind: 'artifact' | 'record';
  readonly wrong: string;
}

/** `frozen`: nothing is known to be wrong, and not all of it could be read. */
export type RepairState = 'good' | 'frozen' | 'to repair' | 'repaired' | 'not repaired';

/** How a backup at one place fared. */
export interface Repaired {
  readonly reference: string;
  readonly place: string;
  readonly state: RepairState;
  readonly repairs: readonly Repair[];
  /** Places that good objects are, or were, taken from. */
  readonly from: readonly string[];
  /** Why something could not be put right, or what is to be known of what was; null where all is right. */
  readonly why: string | null;
}

/** A backup whose manifest a trusted key signed: what it says is what should be at every place. */
export interface Wanted {
  readonly backup: Catalogued;
  /** With its parents, for the check of the chain. */
  readonly catalogue: readonly Catalogued[];
}
