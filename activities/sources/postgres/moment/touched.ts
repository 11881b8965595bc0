/** Which files of relations transactions have written to, as the WAL tells. */
import { readWaldump } from '../waldump-lines.ts';
import { rangeOf, type Commit, type WalFolder } from './commits.ts';
import type { Mark } from './mark.ts';
import { widened } from './snapshot.ts';

/** `tablespace/database/filenode` of each file, by transaction; null where it may have written before this WAL begins. */
export type Touched = ReadonlyMap<bigint, ReadonlySet<string> | null>;

export async function readTouched(folder: WalFolder, mark: Mark, commits: readonly Commit[]): Promise<Touched> {
  const files = new Map<bigint, Set<string>>();
  const parents = new Map<bigint, bigint>();
  for (const { xid, subtransactions } of commits) {
    files.set(xid, new Set());
    for (const each of [xid, ...subtransactions]) parents.set(each, xid);
  }
  await readWaldump({ ...folder, args: rangeOf(mark), phase: 'reading WAL' }, (line) => {
    const tx = /tx:\s+(\d+),/.exec(line)?.[1];
    if (tx === undefined || !mayChangeRows(line)) return;
    const own = files.get(parents.get(widened(Number(tx), mark.firstXid)) ?? -1n);
    for (const [, file] of own ? line.matchAll(/ rel (\d+\/\d+\/\d+)/g) : []) if (file !== undefined) own?.add(file);
  });
  return new Map([...files].map(([xid, found]) => [xid, xid > mark.firstXid ? found : null]));
}

/** Kinds of records that change indexes and sequences, or put a page into the WAL as it is: a rewrite changes catalogues too. */
const OTHERS: ReadonlySet<string> = new Set(['XLOG', 'Btree', 'Hash', 'Gin', 'Gist', 'SPGist', 'BRIN', 'Sequence']);

/**
 * Whoever reads a page may tidy it up, catalogues' too, and the record bears his transaction: that changes no row. What is
 * not known to change none counts.
 */
function mayChangeRows(line: string): boolean {
  const kind = /^rmgr: (\S+)/.exec(line)?.[1] ?? '';
  return kind === 'Heap2' ? line.includes(' desc: MULTI_INSERT') : !OTHERS.has(kind);
}

/** Heavier than any number of files: what it has changed cannot be told. */
const UNKNOWN = 1_000_000;

/** Files below this number are catalogues, unless somebody has rewritten them: definitions change with them. */
const FIRST_OF_USERS = 16384;

/** How much of a database a transaction has changed. */
export function weightIn(database: string, files: ReadonlySet<string> | null | undefined): number {
  if (!files) return UNKNOWN;
  let weight = 0;
  for (const file of files) {
    const [, of, number] = file.split('/');
    if (of === '0' || (of === database && Number(number) < FIRST_OF_USERS)) return UNKNOWN;
    if (of === database) weight += 1;
  }
  return weight;
}
