/** How far the logs of a source reach from one of its backups: what `select` of the type says of a time that none reach. */
import type { Manifest } from '../../model/manifest.ts';
import { selectorOf } from './index.ts';

/** RFC 3339, by the server's clock. */
export interface Reach {
  /** The backup's own end. */
  readonly from: string;
  /** Null where no logs lead on from it. */
  readonly until: string | null;
}

/** Nobody's logs reach so far: a selection that fails says how far they do. */
const NEVER = { kind: 'time', time: '9999-12-31T23:59:59Z' } as const;

/** Null where a backup of the type is one moment. Pure. */
export function reachOf(base: Manifest, logs: readonly Manifest[]): Reach | null {
  const selection = selectorOf(base.type)?.(base, logs, NEVER);
  return selection?.reached === false ? { from: selection.from, until: selection.until } : null;
}
