/** How what is uploaded is cut into parts. */

/** Bytes that all parts under way may take, where parts must be large; one at least is under way. */
const MEMORY = 512 * 2 ** 20;

export interface Cut {
  /** Bytes of all parts but the last. */
  readonly size: number;
  readonly count: number;
  /** Parts under way at once. */
  readonly lanes: number;
}

/** The cut of an upload with parts of this size. */
export function cutBy(bytes: number, size: number, parallel: number): Cut {
  const count = Math.max(1, Math.ceil(bytes / size));
  return { size, count, lanes: Math.min(count, parallel, Math.max(1, Math.floor(MEMORY / size))) };
}
