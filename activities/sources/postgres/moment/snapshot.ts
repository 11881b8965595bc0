/** PostgreSQL's snapshots as text: which transactions they show. Pure. */

/** What a snapshot does not show: transactions under way, and all from `xmax` on. Ids have 64 bits. */
export interface Snapshot {
  readonly text: string;
  readonly xmax: bigint;
  /** Without subtransactions: they follow theirs. */
  readonly running: ReadonlySet<bigint>;
}

/** `xmin:xmax:xip,…`, as pg_current_snapshot() prints it. */
export function parseSnapshot(text: string): Snapshot {
  const [, xmax, running = ''] = /^\d+:(\d+):([\d,]*)$/.exec(text) ?? [];
  if (xmax === undefined) throw new TypeError(`"${text}" is no snapshot`);
  const ids = running.split(',').filter((id) => id !== '');
  return { text, xmax: BigInt(xmax), running: new Set(ids.map(BigInt)) };
}

/** Whether a snapshot shows a transaction that has committed. */
export function shows({ xmax, running }: Snapshot, xid: bigint): boolean {
  return xid < xmax && !running.has(xid);
}

/** The id of 64 bits that WAL means by its lower 32: the one that is nearest to a known one. */
export function widened(short: number, near: bigint): bigint {
  return near + BigInt.asIntN(32, BigInt(short) - near);
}
