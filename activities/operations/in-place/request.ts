/** What a restore in place is given. */
import type { RestoreTarget } from '../../../model/target.ts';
import type { Site } from '../../site.ts';
import type { Catalogued } from '../../storage/catalogue.ts';
import type { Store } from '../../storage/types.ts';
import type { Work } from '../../work.ts';

/** The schedules of the site, where its Temporal can be reached; the operation itself knows no Temporal. */
export interface Schedules {
  /** Ids of those that are not paused, or by nobody but a restore in place. */
  running(): Promise<readonly string[]>;
  /** Done twice it does nothing. */
  pause(ids: readonly string[]): Promise<void>;
  resume(ids: readonly string[]): Promise<void>;
}

/**
 * Lets something pause the schedules of the site's Temporal; null where none can be used, which stops nothing.
 * @param tell told why, where Temporal is there and cannot be used.
 */
export type WithSchedules = <Result>(
  of: { readonly site: Site; readonly tell: (line: string) => void },
  use: (schedules: Schedules | null) => Promise<Result>,
) => Promise<Result>;

/** What every part of it gets. */
export interface InPlaceWork {
  readonly site: Site;
  readonly source: string;
  /** Null where no Temporal can be reached: then nothing is paused, and the journal alone keeps runs off. */
  readonly schedules: Schedules | null;
  /** Tells the operator what is done now. */
  readonly tell: (line: string) => void;
  readonly work: Work;
  /** Of the workflow that does it; null where a command does. */
  readonly run: string | null;
}

export interface InPlaceRequest extends InPlaceWork {
  /** Where the backups are read from. */
  readonly store: Store;
  /** Full first. */
  readonly chain: readonly Catalogued[];
  readonly replay: { readonly logs: readonly Catalogued[]; readonly target: RestoreTarget } | null;
  /** Everything of the source at that place. */
  readonly known: readonly Catalogued[];
  readonly reference: string;
  /** Go on although what the old server had not shipped cannot be saved; it stays in the old data. */
  readonly acceptUnsaved: boolean;
  /** As `lastRestored` when it was asked for: who asks, asks for it in place of those data. */
  readonly last: string | null;
}
