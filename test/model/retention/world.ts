/**
 * A site over years, simulated: one database with daily incrementals, weekly fulls, monthly and yearly copies and logs, a
 * repository and three destinations, and all that goes wrong. Each day ends with a prune. What the rules allow is not known here.
 */
import { childrenFirst } from '../../../activities/operations/prune/remove.ts';
import { decide, wantedBy } from '../../../model/retention/decide.ts';
import { parsePeriod } from '../../../model/retention/period.ts';
import type {
  CheckedCopy,
  Decision,
  Held,
  KeptBackup,
  RetentionInput,
  RetentionPlace,
  SourceRules,
} from '../../../model/retention/types.ts';
import type { Kind, Tier } from '../../../model/source.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const SOURCE = 'db';
/** Incrementals on a full. */
export const CHAIN = 6;
export const LOGS_A_DAY = 1;

/** What happens on a day, and for how many days. */
export type Event =
  | { readonly what: 'off' | 'fails' | 'unverified' | 'unreadable'; readonly days: number }
  | { readonly what: 'away'; readonly place: number; readonly days: number }
  | { readonly what: 'clock'; readonly hours: number; readonly days: number; readonly told: boolean }
  | { readonly what: 'shrinks'; readonly days: number }
  | { readonly what: 'hold' | 'prove' | 'lock' | 'damage'; readonly back: number; readonly days: number }
  | { readonly what: 'period'; readonly tier: Tier | 'logs'; readonly period: string; readonly days: number }
  | { readonly what: 'killed'; readonly days: number };

export interface World {
  /** What the prune of each day saw and decided, before anything is deleted. */
  readonly look: (input: RetentionInput, decisions: readonly Decision[], deleted: readonly Decision[]) => void;
  readonly timeZone: string;
  readonly begin: number;
  readonly days: number;
  /** Days from one prune to the next. */
  readonly every: number;
  /** By the day on which they begin. */
  readonly events: ReadonlyMap<number, readonly Event[]>;
}

interface Place extends Omit<RetentionPlace, 'backups' | 'clockAhead' | 'locks' | 'unreadable'> {
  readonly held: Map<string, KeptBackup>;
  readonly locks: Map<string, number>;
}

const PERIODS = { daily: '7 days', weekly: '4 weeks', monthly: '12 months', yearly: '7 years', logs: '4 weeks' };

/** Lives through all days; returns what the places hold at the end. */
export function live({ look, timeZone, begin, days, every, events }: World): RetentionInput {
  const places: readonly Place[] = [
    { name: 'repository', class: 'local', tiers: null, held: new Map(), locks: new Map() },
    { name: 'vault', class: 'remote', tiers: null, held: new Map(), locks: new Map() },
    { name: 'remote', class: 'remote', tiers: ['daily', 'weekly', 'monthly'], held: new Map(), locks: new Map() },
    { name: 'cold', class: 'archive', tiers: ['monthly', 'yearly'], held: new Map(), locks: new Map() },
  ];
  const [local] = places;
  if (!local) throw new TypeError('there is a repository');
  const checks: CheckedCopy[] = [];
  const holds: (Held & { readonly until: number })[] = [];
  const accepted = new Set<string>();
  let going: { readonly event: Event; readonly until: number }[] = [];
  let size = 1000;
  let chain: KeptBackup[] = [];
  let input: RetentionInput | undefined;

  for (let day = 0; day < days; day += 1) {
    going = going.filter(({ until }) => until > day);
    for (const event of events.get(day) ?? []) going.push({ event, until: day + event.days });
    const on = (what: Event['what']): Event | undefined => going.find(({ event }) => event.what === what)?.event;
    const clock = going.find(({ event }) => event.what === 'clock')?.event;
    const ahead = clock?.what === 'clock' ? clock.hours * HOUR : 0;
    if (on('off')) continue;
    const morning = begin + day * DAY + ahead;

    if (!on('fails')) backUp(morning, day);
    deliver(morning + HOUR);
    mishaps(morning + HOUR, day);
    if (day % every !== 0) continue;
    input = see(morning + 2 * HOUR);
    const decisions = decide(input);
    const due = decisions.filter(({ verdict }) => verdict === 'delete');
    const ordered = childrenFirst(due.map(({ backup }) => backup));
    const deleted = due.filter(
      ({ backup }) =>
        !on('killed') || ordered.findIndex(({ reference }) => reference === backup.reference) < ordered.length / 2,
    );
    look(input, decisions, deleted);
    for (const { place, backup } of deleted) places.find(({ name }) => name === place)?.held.delete(backup.reference);

    function isAway(place: Place): boolean {
      return going.some(({ event }) => event.what === 'away' && places[1 + event.place] === place);
    }

    function see(now: number): RetentionInput {
      return {
        now,
        timeZone,
        rules: new Map([[SOURCE, rules()]]),
        places: places.map((place) => ({
          ...place,
          backups: isAway(place) ? null : [...place.held.values()],
          clockAhead: place === local || isAway(place) || clock?.what !== 'clock' || !clock.told ? null : -ahead,
          unreadable:
            on('unreadable') && place.name === 'vault' ? [{ folder: `daily/${SOURCE}/x`, source: SOURCE }] : [],
        })),
        checks,
        holds: holds.filter(({ until }) => until > day),
        accepted,
      };
    }

    function rules(): SourceRules {
      const changed = Object.fromEntries(
        going.flatMap(({ event }) => (event.what === 'period' ? [[event.tier, event.period]] : [])),
      );
      const period = (name: keyof typeof PERIODS) => {
        const found = parsePeriod(changed[name] ?? PERIODS[name]);
        if (!found) throw new TypeError('a period');
        return found;
      };
      return {
        periods: {
          daily: period('daily'),
          weekly: period('weekly'),
          monthly: period('monthly'),
          yearly: period('yearly'),
        },
        logs: period('logs'),
        overdueAfter: 2 * DAY,
        shrinkage: 0.5,
      };
    }

    function backUp(time: number, today: number): void {
      if (on('shrinks')) size = 300;
      const sunday = today % 7 === 0;
      const full = sunday || chain.length > CHAIN || chain.length === 0;
      const made = backup(
        time,
        sunday ? 'weekly' : 'daily',
        full ? 'full' : 'incremental',
        full ? null : (chain.at(-1) ?? null),
      );
      if (local?.held.has(made.reference)) return;
      local?.held.set(made.reference, made);
      chain = full ? [made] : [...chain, made];
      if (!on('unverified')) check(made, false, true, time);
      for (let count = 0; count < LOGS_A_DAY; count += 1) addLogs(time + (count * DAY) / LOGS_A_DAY);
      if (sunday && today % 28 === 0) archive(made, time, today % 364 === 0);
      size = Math.min(1000, size + 100);
      // Somebody looks at it after a week, and says that it is right.
      if (today % 7 === 3) for (const { sha256 } of local?.held.values() ?? []) accepted.add(sha256);
    }

    function backup(time: number, tier: Tier, kind: Kind, parent: KeptBackup | null, isCopy = false): KeptBackup {
      const reference = `${tier}/${SOURCE}/${new Date(time).toISOString()}-${kind}`;
      return {
        reference,
        sha256: `digest of ${reference}`,
        source: SOURCE,
        kind,
        tier,
        folder: reference,
        scheduled: time,
        started: time,
        finished: time + HOUR / 2,
        parent: parent?.reference ?? null,
        authentic: true,
        isCopy,
        bytes: size,
        plainBytes: size,
      };
    }

    function addLogs(time: number): void {
      const name = new Date(time).toISOString();
      const logs = {
        ...backup(time, 'daily', 'logs', null),
        tier: null,
        reference: `logs/${SOURCE}/${name}`,
        folder: `logs/${name}`,
      };
      local?.held.set(logs.reference, { ...logs, sha256: `digest of ${logs.reference}` });
    }

    function archive(of: KeptBackup, time: number, yearly: boolean): void {
      for (const tier of yearly ? (['monthly', 'yearly'] as const) : (['monthly'] as const)) {
        const copy = backup(time + 1000, tier, 'full', null, true);
        // As where it had to be captured for the archive: it goes on from the repository, and must not leave it before.
        local?.held.set(copy.reference, { ...of, ...copy });
      }
    }

    function check({ sha256 }: KeptBackup, restored: boolean, ok: boolean, time: number): void {
      checks.push({ sha256, place: 'repository', restored, ok, time });
    }

    /** Copies of what a destination is to hold and lacks, from wherever it is; logs from the repository. */
    function deliver(now: number): void {
      const seen = see(now);
      for (const place of places.slice(1)) {
        if (isAway(place)) continue;
        const wanted = wantedBy(seen, SOURCE, place.name);
        for (const from of places) {
          if (isAway(from)) continue;
          for (const each of from.held.values()) if (wanted.has(each.sha256)) place.held.set(each.reference, each);
        }
        if (place.name === 'cold') continue;
        for (const each of local?.held.values() ?? []) if (each.kind === 'logs') place.held.set(each.reference, each);
      }
    }

    function mishaps(now: number, today: number): void {
      const fresh = events.get(today) ?? [];
      const newest = [...(local?.held.values() ?? [])].filter(({ kind }) => kind !== 'logs').toReversed();
      for (const event of fresh) {
        if (!('back' in event)) continue;
        const of = newest[event.back % Math.max(1, newest.length)];
        if (!of) continue;
        if (event.what === 'hold') holds.push({ sha256: of.sha256, reason: 'a case', until: today + event.days });
        if (event.what === 'prove') check(of, true, true, now);
        if (event.what === 'damage') check(of, false, false, now);
        if (event.what === 'lock')
          for (const place of places.slice(1)) place.locks.set(of.reference, now + event.days * DAY);
      }
    }
  }
  if (!input) throw new TypeError('some day was none on which the host was off');
  return input;
}
