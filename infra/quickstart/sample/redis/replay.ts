/**
 * Whether the keys of a restored Redis equal what its own restored ledger says, and its ledger the source's. A database
 * must be the base of the journal, less the images before, plus the images after; each key that the journal names must
 * be its last image, or have come to the end of its time; each image before must be the one that the last change had
 * left; and nothing that expires may be there that the journal does not name.
 */
import { createHash } from 'node:crypto';
import type { Asking } from '../../../../activities/sources/redis/client.ts';
import type { Check } from '../../../../model/evidence.ts';
import { sameJournal, wholeJournal, type JournalFacts } from '../journal.ts';
import { LEDGER, readJournal, readKeys, type Change, type Image, type Journal, type Key } from './scripts.ts';

export interface Replay {
  readonly databases: number;
  readonly keys: number;
  /** Number of the last transaction that is in the restore. */
  readonly last: number;
  readonly checks: readonly Check[];
}

/**
 * Replays the journal of the restored server, which nobody else writes to.
 * @param source the server that was backed up, whose journal up to there must be the same.
 * @param confirmed number of the last transaction that the source had confirmed when the run began.
 */
export async function replay(restored: Asking, source: Asking, confirmed: number): Promise<Replay> {
  const journal = await readJournal(restored, '-', '+');
  const facts = factsOf(journal);
  const there = await readJournal(source, '-', facts.head);
  const keys = await readKeys(restored);
  // By now, and no earlier: what expired meanwhile may be gone.
  const now = Date.now();
  const databases = Array.from({ length: LEDGER }, (_none, database) => database)
    .filter((database) => keys.some((key) => key.database === database) || isNamed(journal, database))
    .map((database) => replayed(database, { journal, keys, now }));
  return {
    databases: databases.length,
    keys: keys.length,
    last: facts.head,
    checks: [
      wholeJournal(facts, confirmed),
      await sameJournal(facts, factsOf(there), async (from) => [digestOf(journal, from), digestOf(there, from)]),
      ...databases,
    ],
  };
}

function factsOf({ head, entries }: Journal): JournalFacts {
  return { head, first: entries[0]?.number ?? 0, last: entries.at(-1)?.number ?? 0, entries: entries.length };
}

function digestOf({ entries }: Journal, from: number): string {
  const common = entries.filter(({ number }) => number >= from);
  return createHash('sha256').update(JSON.stringify(common)).digest('hex');
}

function isNamed({ base, entries }: Journal, database: number): boolean {
  return (
    base.some((of) => of.database === database) ||
    entries.some(({ changes }) => changes.some((change) => change.database === database))
  );
}

interface Found {
  readonly journal: Journal;
  readonly keys: readonly Key[];
  readonly now: number;
}

/** One database beside what the journal makes of it. */
function replayed(database: number, { journal, keys, now }: Found): Check {
  const there = new Map(keys.filter((key) => key.database === database).map((key) => [key.key, key]));
  const base = journal.base.find((of) => of.database === database);
  const sum = { keys: base?.keys ?? 0, hash: BigInt(`0x${base?.hash ?? '0'}`) };
  const last = new Map<string, Image>();
  let broken = 0;
  for (const { at, changes } of journal.entries) {
    for (const change of changes.filter((of) => of.database === database)) {
      const before = last.get(change.key);
      if (before && !follows(change.before, before, at)) broken += 1;
      for (const [sign, image] of [[-1, change.before] as const, [1, change.after] as const]) {
        if (!isLasting(image)) continue;
        sum.keys += sign;
        sum.hash ^= hashOf(change, image);
      }
      last.set(change.key, change.after);
    }
  }
  const lasting = [...there.values()].filter(({ image }) => isLasting(image));
  const hash = lasting.reduce((all, key) => all ^ BigInt(`0x${key.hash}`), 0n);
  const differing = [...last].filter(([key, image]) => !isAs(there.get(key)?.image, image, now));
  const unknown = [...there.values()].filter(({ key, image }) => !isLasting(image) && !last.has(key));
  const problems = [
    ...(lasting.length === sum.keys ? [] : [`${lasting.length} lasting keys where the journal makes ${sum.keys}`]),
    ...(differing.length === 0 ? [] : [`${differing.length} keys differ from their last image in the journal`]),
    ...(unknown.length === 0 ? [] : [`${unknown.length} keys that expire are in no entry of the journal`]),
    ...(broken === 0 ? [] : [`${broken} changes do not follow the one before`]),
    ...(hash === sum.hash ? [] : ['the keys are not those of the journal']),
  ];
  const ok = problems.length === 0;
  const detail = ok ? `${there.size} keys equal the replay` : problems.join('; ');
  return { name: `values: database ${database}`, compared: true, ok, detail };
}

function isLasting([digest, expires]: Image): boolean {
  return digest !== false && expires === -1;
}

function same(one: Image, other: Image): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

/** Whether a key before a change was as the change before had left it, or its time was over. */
function follows(before: Image, left: Image, at: number): boolean {
  return same(before, left) || (before[0] === false && left[1] !== -1 && left[1] <= at);
}

function isAs(found: Image | undefined, wanted: Image, now: number): boolean {
  if (found) return same(found, wanted);
  return wanted[0] === false || (wanted[1] !== -1 && wanted[1] <= now);
}

/** As `toggle` of lua/base.lua makes it. */
function hashOf({ database, key }: Change, [digest]: Image): bigint {
  const text = `${database} ${Buffer.byteLength(key)}:${key}${String(digest)}`;
  return BigInt(`0x${createHash('sha1').update(text).digest('hex')}`);
}
