/** The commits in a range of WAL, in the order in which a recovery replays them. */
import { BackupError } from '../../../../model/errors.ts';
import { readWaldump, type Dump } from '../waldump-lines.ts';
import type { Mark } from './mark.ts';
import { widened } from './snapshot.ts';

export interface Commit {
  /** Where its record begins: a recovery that stops before this LSN is without it. */
  readonly lsn: string;
  readonly xid: bigint;
  readonly subtransactions: readonly bigint[];
}

export interface Commits {
  readonly list: readonly Commit[];
  /** Where the record of the restore point behind them begins. */
  readonly end: string;
}

export type WalFolder = Pick<Dump, 'waldump' | 'wal' | 'work'>;

/** `rmgr: Transaction … tx: 771, lsn: 0/0153A2B8, prev …, desc: COMMIT 2026-…; subxacts: 772 773; …` */
const COMMIT = /tx:\s+(\d+), lsn: (\S+), .*desc: COMMIT(?:_PREPARED (\d+):)?/;

/** @throws BackupError `verification-failed` where the WAL does not reach up to the mark's end. */
export async function readCommits(folder: WalFolder, mark: Mark): Promise<Commits> {
  const list: Commit[] = [];
  let end: string | undefined;
  const args = [...rangeOf(mark), '--rmgr=Transaction', '--rmgr=XLOG'];
  await readWaldump({ ...folder, args, phase: 'reading WAL' }, (line) => {
    if (end !== undefined) return;
    if (line.includes(`desc: RESTORE_POINT ${mark.restorePoint}`)) end = /lsn: ([^,]+),/.exec(line)?.[1];
    const [, tx, lsn, prepared] = COMMIT.exec(line) ?? [];
    if (tx === undefined || lsn === undefined) return;
    const subtransactions = /; subxacts: ([\d ]+)/.exec(line)?.[1]?.trim().split(' ') ?? [];
    list.push({
      lsn,
      xid: widened(Number(prepared ?? tx), mark.firstXid),
      subtransactions: subtransactions.map((xid) => widened(Number(xid), mark.firstXid)),
    });
  });
  if (end !== undefined) return { list, end };
  throw new BackupError(
    'verification-failed',
    `The WAL up to the restore point "${mark.restorePoint}" cannot be read: rows cannot be compared.`,
    { remedy: 'Check another copy of the backup.' },
  );
}

/** The arguments for what was written from the mark on. */
export function rangeOf({ from, timeline }: Mark): readonly string[] {
  return [`--start=${from}`, `--timeline=${timeline}`];
}
