/** What each kind of probe is given, and what it answers. */
import type { Probed } from '../../../model/drill/drill.ts';
import type { Service } from '../../sources/service.ts';
import type { Work } from '../../work.ts';

export interface ProbeContext {
  readonly source: string;
  /** What `restore` made. */
  readonly restored: string;
  /** What runs on it; null where nothing does. */
  readonly service: Service | null;
  /** An empty folder, for this probe alone. */
  readonly scratch: string;
  /** Its signal ends at the probe's time-out. */
  readonly work: Work;
}

/** What was seen, and whether that is as it should be. */
export interface Seen {
  readonly ok: boolean;
  readonly detail: string;
}

/** A probe, asked; or not, which is no answer and speaks against nothing but this machine. */
export interface Asked extends Omit<Probed, 'asked'> {
  readonly asked: boolean;
}

/** How a program of a probe is ended: it has had its time, and ends with all that it started. */
export const AT_ONCE = { grace: 0 } as const;

export function right(detail: string): Seen {
  return { ok: true, detail };
}

export function wrong(detail: string): Seen {
  return { ok: false, detail };
}
