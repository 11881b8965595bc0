/** The rules of retention, each written for itself and not as the code has them: what must be true of every prune. */
import assert from 'node:assert/strict';
import type { Decision, KeptBackup, RetentionInput, RetentionPlace } from '../../../model/retention/types.ts';
import type { Tier } from '../../../model/source.ts';
import { DAY, HOUR } from './world.ts';

/** Everything that a prune was allowed to see, and what it is about to delete. */
interface Prune {
  readonly input: RetentionInput;
  readonly deleted: readonly Decision[];
}

export function requireRules(
  input: RetentionInput,
  decisions: readonly Decision[],
  deleted: readonly Decision[],
): void {
  const prune = { input, deleted };
  everyBackupHasOneDecision(input, decisions);
  stopsHold(prune);
  timesAreOver(prune);
  parentsStay(prune);
  proofsStay(prune);
  nothingHeldGoes(prune);
  nothingOwedGoes(prune);
  windowStays(prune);
}

function everyBackupHasOneDecision({ places }: RetentionInput, decisions: readonly Decision[]): void {
  const names = decisions.map(({ place, backup }) => `${place} ${backup.reference}`);
  assert.equal(new Set(names).size, names.length);
  assert.equal(
    names.length,
    places.reduce((sum, { backups }) => sum + (backups?.length ?? 0), 0),
  );
  assert.ok(decisions.every(({ reasons }) => reasons.length > 0 && reasons.every(({ text }) => text !== '')));
}

/** Nothing new, clocks that disagree, a capture that lost most of its data, a manifest that cannot be read: nothing goes. */
function stopsHold({ input: { now, places, accepted }, deleted }: Prune): void {
  if (deleted.length === 0) return;
  const all = places.flatMap(({ backups }) => backups ?? []).filter(({ kind }) => kind !== 'logs');
  const starts = all.map(({ started }) => started).toSorted((a, b) => b - a);
  assert.ok(now - (starts[0] ?? 0) <= 2 * DAY, 'deleted while the newest success was overdue');
  assert.ok((starts[0] ?? 0) <= now + HOUR, 'deleted while a backup was of the future');
  assert.ok(
    places.every(({ clockAhead }) => Math.abs(clockAhead ?? 0) < HOUR),
    'deleted while clocks disagreed',
  );
  assert.ok(
    deleted.every(({ place }) => places.find(({ name }) => name === place)?.unreadable.length === 0),
    'deleted where a manifest cannot be read',
  );
  const sizes = new Map(
    all.filter(({ kind, isCopy }) => kind === 'full' && !isCopy).map((full) => [full.started, full] as const),
  );
  const [last, before] = [...sizes.values()].toSorted((a, b) => b.started - a.started);
  if (last && before && !accepted.has(last.sha256))
    assert.ok(last.plainBytes * 2 >= before.plainBytes, 'deleted behind a full that had shrunk by more than half');
}

/** By plain counting of days; an hour less where clocks are set forward in spring. */
function timesAreOver({ input, deleted }: Prune): void {
  const { now, rules, places } = input;
  const UNITS = { day: 1, week: 7, month: 30.4, year: 365.2 };
  for (const { place, backup } of deleted) {
    const { tier } = backup;
    if (tier === null) continue;
    const period = rules.get(backup.source)?.periods[tier];
    assert.ok(period);
    const days = (now - backup.scheduled) / DAY;
    // A month has two days less at most, a year one.
    const least =
      Math.floor(period.count * UNITS[period.unit]) - (period.unit === 'month' ? 2 : period.unit === 'year' ? 1 : 0);
    if (days >= least - 1 / 24) continue;
    const keepers = places.filter(({ name }) => homes(tier).includes(name));
    assert.ok(!keepers.some(({ name }) => name === place), `${backup.reference} went from ${place} after ${days} days`);
    assert.ok(
      keepers.every(({ backups }) => backups?.some(({ sha256 }) => sha256 === backup.sha256)),
      `${backup.reference} went from ${place} before others had it`,
    );
  }
}

/** Of the simulated site. */
function homes(tier: Tier): readonly string[] {
  if (tier === 'yearly') return ['cold'];
  return tier === 'monthly' ? ['vault', 'remote', 'cold'] : ['repository', 'vault', 'remote'];
}

/** P43: what stays has its parent still, where it had it before. */
function parentsStay({ input, deleted }: Prune): void {
  for (const [place, stays, goes] of split(input, deleted)) {
    for (const child of stays) {
      const parent = goes.find(({ reference }) => reference === child.parent);
      assert.ok(!parent, `P43: ${child.parent} went from ${place.name} while ${child.reference} builds on it`);
    }
  }
}

/** The newest backup, the newest verified full and the newest proven backup that a place had it still has. */
function proofsStay({ input, deleted }: Prune): void {
  // All checks of the simulated site are of the copy in the repository; the last one of a kind counts.
  const ordered = input.checks.toSorted((a, b) => a.time - b.time);
  const good = new Map(ordered.map(({ sha256, ok }) => [sha256, ok] as const));
  const restored = new Map(ordered.flatMap((check) => (check.restored ? [[check.sha256, check.ok] as const] : [])));
  for (const [place, stays, goes] of split(input, deleted)) {
    const had = [...stays, ...goes].filter(({ kind }) => kind !== 'logs');
    const kept = new Set(stays);
    const newest = (of: readonly KeptBackup[]) => of.toSorted((a, b) => b.scheduled - a.scheduled)[0];
    const verified = newest(had.filter(({ kind, sha256 }) => kind === 'full' && good.get(sha256)));
    const isDamaged = (sha256: string) => place.name === 'repository' && !good.get(sha256);
    const proven = newest(had.filter(({ sha256 }) => restored.get(sha256) && !isDamaged(sha256)));
    for (const [what, each] of Object.entries({ newest: newest(had), verified, proven }))
      assert.ok(!each || kept.has(each), `the ${what} one went from ${place.name}: ${each?.reference}`);
  }
}

function nothingHeldGoes({ input: { holds, places, now }, deleted }: Prune): void {
  const held = new Set(holds.map(({ sha256 }) => sha256));
  for (const { place, backup } of deleted) {
    assert.ok(!held.has(backup.sha256), `${backup.reference} went while it was on hold`);
    const until = places.find(({ name }) => name === place)?.locks.get(backup.reference) ?? 0;
    assert.ok(until <= now, `${backup.reference} went while it was locked`);
  }
}

/** What another destination is to hold still, and lacks, or may lack since it is away, goes from nowhere. */
function nothingOwedGoes({ input: { places, now, rules }, deleted }: Prune): void {
  for (const { backup, place } of deleted) {
    const { tier } = backup;
    if (tier === null) continue;
    const period = rules.get(backup.source)?.periods[tier];
    // Days and weeks are enough here: months and years have the rule above.
    if (!period || (period.unit !== 'day' && period.unit !== 'week')) continue;
    const until = backup.scheduled + period.count * (period.unit === 'week' ? 7 : 1) * DAY;
    if (until <= now + HOUR) continue;
    const lacking = places.filter(
      ({ name, backups }) =>
        name !== place && homes(tier).includes(name) && !backups?.some(({ sha256 }) => sha256 === backup.sha256),
    );
    assert.deepEqual(
      lacking.map(({ name }) => name),
      [],
      `${backup.reference} went from ${place}`,
    );
  }
}

/** Of every full in the window that a place holds, all logs from it on that were there are there still. */
function windowStays({ input, deleted }: Prune): void {
  const { now, rules } = input;
  const logs = rules.get('db')?.logs;
  if (!logs || (logs.unit !== 'day' && logs.unit !== 'week')) return;
  const begins = now - logs.count * (logs.unit === 'week' ? 7 : 1) * DAY + HOUR;
  for (const [place, stays, goes] of split(input, deleted)) {
    const base = stays.filter(({ kind, started }) => kind === 'full' && started >= begins);
    const oldest = Math.min(...base.map(({ started }) => started));
    const lost = goes.find(({ kind, finished }) => kind === 'logs' && finished >= oldest);
    assert.ok(!lost, `${lost?.reference} went from ${place.name}, and a full in the window needs it`);
  }
}

function split(
  { places }: RetentionInput,
  deleted: readonly Decision[],
): readonly (readonly [RetentionPlace, readonly KeptBackup[], readonly KeptBackup[]])[] {
  return places.flatMap((place) => {
    const gone = new Set(deleted.filter((each) => each.place === place.name).map(({ backup }) => backup));
    const all = place.backups;
    return all ? [[place, all.filter((each) => !gone.has(each)), all.filter((each) => gone.has(each))] as const] : [];
  });
}
