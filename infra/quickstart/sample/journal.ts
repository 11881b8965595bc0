/** What every ledger of the sample must be, whatever engine keeps it. */
import type { Check } from '../../../model/evidence.ts';

/** A journal of transactions, numbered from 1 without gaps; the oldest of them may have been folded away. */
export interface JournalFacts {
  /** Number of the last transaction. */
  readonly head: number;
  /** Numbers of the oldest and the newest entry; 0 where there is none. */
  readonly first: number;
  readonly last: number;
  readonly entries: number;
}

/** No entry lacks, and none that the source had confirmed before the run. */
export function wholeJournal({ head, first, last, entries }: JournalFacts, confirmed: number): Check {
  const whole = entries === 0 || (entries === last - first + 1 && last === head);
  const ok = whole && head >= confirmed;
  const found = `${entries} transactions, up to number ${head}`;
  const detail = ok
    ? `${found}, without a gap; number ${confirmed} was the last before the run`
    : `${found}${whole ? '' : ', with gaps'}; number ${confirmed} was confirmed before the run began`;
  return { name: 'journal: whole', compared: true, ok, detail };
}

/**
 * The source goes on meanwhile and may fold its oldest entries away: what both have is compared.
 * @param digest of the entries from one number to another, on the restored server and on the source.
 */
export async function sameJournal(
  restored: JournalFacts,
  source: JournalFacts | undefined,
  digest: (from: number, to: number) => Promise<readonly [restored: string | undefined, source: string | undefined]>,
): Promise<Check> {
  const from = Math.max(restored.first, source?.first ?? 0);
  const [ours, theirs] = await digest(from, restored.head);
  const ok = ours !== undefined && ours === theirs;
  const detail = `transactions ${from} to ${restored.head} ${ok ? 'are those of the source' : 'differ from those of the source'}`;
  return { name: 'journal: of the source', compared: true, ok, detail };
}

/** A table of the restore beside what the journal makes of it. */
export interface ReplayedTable {
  readonly rows: number;
  readonly expected: number;
  /** Whether the rows are those of the replay, by their hashes. */
  readonly equal: boolean;
  /** Rows that are not as the last image of the journal has them. */
  readonly differing: number;
  /** Changes whose image before is not what the change before left. */
  readonly broken: number;
}

export function equalTable(name: string, { rows, expected, equal, differing, broken }: ReplayedTable): Check {
  const problems = [
    ...(rows === expected ? [] : [`${rows} rows where the journal makes ${expected}`]),
    ...(differing === 0 ? [] : [`${differing} rows differ from their last image in the journal`]),
    ...(broken === 0 ? [] : [`${broken} changes do not follow the one before`]),
    ...(equal ? [] : ['the rows are not those of the journal']),
  ];
  const ok = problems.length === 0;
  const detail = ok ? `${rows} rows equal the replay` : problems.join('; ');
  return { name: `rows: ${name}`, compared: true, ok, detail };
}
