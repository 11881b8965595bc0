/**
 * What is kept at each place, and what is deleted: one decision for each backup there, with all its reasons. Pure: the same
 * input gives the same decisions, whoever asks. Whatever is not known keeps.
 */
import { expiryOf } from './kept-until.ts';
import { keepersOf } from './keepers.ts';
import { logsRule, oldLogs, type LogsRule } from './logs.ts';
import { isKeptAt, wantedAt, type Wanted } from './owed.ts';
import { formatPeriod } from './period.ts';
import { byAge, protectedAt, type Checks } from './protected.ts';
import { stopsOf, type Stops } from './stops.ts';
import type { Decision, KeptBackup, Reason, RetentionInput, RetentionPlace, SourceRules } from './types.ts';
import { localTime } from './zone.ts';

/** Decisions in the order of the places, and there of sources and of time. */
export function decide(input: RetentionInput): readonly Decision[] {
  const checks = Map.groupBy(input.checks, ({ sha256 }) => sha256);
  const sources = new Set(input.places.flatMap(({ backups }) => (backups ?? []).map(({ source }) => source)));
  const bySource = new Map([...sources].toSorted().map((source) => [source, ofSource(input, source, checks)]));
  return input.places.flatMap(({ name }) => [...bySource.values()].flatMap((decided) => decided.get(name) ?? []));
}

/** Digests of what a destination is to hold of a source by the rules, parents of that included. */
export function wantedBy(input: RetentionInput, source: string, place: string): ReadonlySet<string> {
  const rules = input.rules.get(source);
  if (!rules) return new Set();
  const own = onceEach(input.places).filter((backup) => backup.source === source && backup.kind !== 'logs');
  return wantedAt(input, own, rules).get(place)?.wanted ?? new Set();
}

/** What is known of a source, over all places. */
interface Known {
  readonly input: RetentionInput;
  readonly rules: SourceRules | undefined;
  readonly stops: Stops;
  readonly wanted: ReadonlyMap<string, Wanted>;
  readonly logs: LogsRule | undefined;
  readonly newest: KeptBackup | undefined;
  readonly checks: Checks;
  readonly holds: ReadonlyMap<string, string>;
}

function ofSource(input: RetentionInput, source: string, checks: Checks): ReadonlyMap<string, readonly Decision[]> {
  const rules = input.rules.get(source);
  const places = input.places.map((place) => ({
    ...place,
    backups: place.backups && place.backups.filter((backup) => backup.source === source),
  }));
  const narrowed = { ...input, places };
  const own = onceEach(places).filter(({ kind }) => kind !== 'logs');
  const known: Known = {
    input: narrowed,
    rules,
    stops: stopsOf(narrowed, source, own, rules),
    wanted: rules ? wantedAt(narrowed, own, rules) : new Map(),
    logs: rules && logsRule(narrowed, own, rules),
    newest: own
      .filter(({ authentic }) => authentic)
      .toSorted(byAge)
      .at(-1),
    checks,
    holds: new Map(input.holds.map(({ sha256, reason }) => [sha256, reason])),
  };
  return new Map(places.map((place) => [place.name, atPlace(place, known)]));
}

function onceEach(places: readonly RetentionPlace[]): readonly KeptBackup[] {
  const all = places.flatMap(({ backups }) => backups ?? []);
  return [...new Map(all.map((backup) => [backup.sha256, backup])).values()];
}

function atPlace(place: RetentionPlace, known: Known): readonly Decision[] {
  const held = place.backups ?? [];
  const logs = held.filter(({ kind }) => kind === 'logs');
  const others = held.filter(({ kind }) => kind !== 'logs').toSorted(byAge);
  const guarded = protectedAt(place.name, others, known.newest, known.checks);
  const old = known.logs ? oldLogs(logs, known.logs) : new Set<KeptBackup>();
  const decided = [...others, ...logs].map((backup): Decision => {
    const time = backup.kind === 'logs' ? logsTime(backup, old, known) : timeOf(backup, place, known);
    const kept = time.over ? whyKept(backup, place, known, guarded) : [];
    const verdict = !time.over ? 'keep' : kept.length > 0 ? 'due' : 'delete';
    return { place: place.name, backup, verdict, reasons: [time.reason, ...kept] };
  });
  return withParents(decided);
}

interface Time {
  readonly over: boolean;
  readonly reason: Reason;
}

/** Whether the time of a backup is over at a place. */
function timeOf(backup: KeptBackup, place: RetentionPlace, { input, rules }: Known): Time {
  const { tier } = backup;
  // Without rules it is as if its time were over: why it is kept all the same is said then.
  if (!rules || tier === null) return { over: true, reason: { code: 'expired', text: 'no rule keeps it' } };
  const until = expiryOf(backup, rules, input.timeZone);
  const kept = `${tier} backups are kept ${formatPeriod(rules.periods[tier])}`;
  const when = localTime(until, input.timeZone);
  if (until <= input.now)
    return { over: true, reason: { code: 'expired', text: `${kept}, and this one's end was ${when}` } };
  if (isStrayed(backup, place, input)) {
    const at = keepersOf(tier, input.places).map(({ name }) => name);
    return {
      over: true,
      reason: { code: 'elsewhere', text: `${tier} backups are kept at ${at.join(', ')}, not at ${place.name}` },
    };
  }
  return { over: false, reason: { code: 'period', text: `${kept}, this one until ${when}` } };
}

/** Monthly and yearly backups have places of their own. Others stay where they are until their end, also where settings changed. */
function isStrayed(backup: KeptBackup, place: RetentionPlace, { places }: RetentionInput): boolean {
  return (backup.tier === 'monthly' || backup.tier === 'yearly') && !isKeptAt(backup, place, places);
}

function logsTime(backup: KeptBackup, old: ReadonlySet<KeptBackup>, { logs }: Known): Time {
  if (!logs) return { over: true, reason: { code: 'expired', text: 'no rule keeps them' } };
  if (!old.has(backup)) return { over: false, reason: logs.reason };
  return { over: true, reason: { code: 'before-window', text: `others are kept: ${logs.reason.text}` } };
}

/** Everything that keeps a backup whose time is over, but for its children. */
function whyKept(
  backup: KeptBackup,
  place: RetentionPlace,
  known: Known,
  guarded: ReadonlyMap<string, readonly Reason[]>,
): readonly Reason[] {
  const { input, stops, wanted } = known;
  const hold = known.holds.get(backup.sha256);
  const locked = place.locks.get(backup.reference);
  return [
    ...(hold === undefined ? [] : [{ code: 'hold', text: `it is on hold: ${hold}` } as const]),
    ...(locked !== undefined && locked > input.now
      ? [{ code: 'locked', text: `a lock keeps it until ${localTime(locked, input.timeZone)}` } as const]
      : []),
    ...(guarded.get(backup.sha256) ?? []),
    ...owedReasons(backup, place, wanted),
    ...stops.everywhere,
    ...(stops.at.get(place.name) ?? []),
  ];
}

function owedReasons(
  { sha256 }: KeptBackup,
  place: RetentionPlace,
  wanted: ReadonlyMap<string, Wanted>,
): readonly Reason[] {
  const lacking = [...wanted].filter(
    ([name, at]) => name !== place.name && at.wanted.has(sha256) && !at.held?.has(sha256),
  );
  const owed = lacking.map(([name, { held }]): Reason => ({
    code: 'owed',
    text: held === null ? `${name} is away, and may lack its copy` : `${name} lacks its copy`,
  }));
  // What is to come here builds on it, or is here already: the children among the decisions say the latter.
  if (!wanted.get(place.name)?.wanted.has(sha256)) return owed;
  return [...owed, { code: 'parent', text: `what ${place.name} is to hold builds on it` }];
}

/** P43: whatever stays keeps all that it builds on. */
function withParents(decided: readonly Decision[]): readonly Decision[] {
  const child = new Map<string, string>();
  const byReference = Map.groupBy(decided, ({ backup }) => backup.reference);
  const queue = decided.filter(({ verdict }) => verdict !== 'delete').map(({ backup }) => backup);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next.parent === null || child.has(next.parent)) continue;
    child.set(next.parent, next.reference);
    queue.push(...(byReference.get(next.parent) ?? []).map(({ backup }) => backup));
  }
  return decided.map((decision) => {
    const by = child.get(decision.backup.reference);
    if (by === undefined || decision.verdict === 'keep') return decision;
    const others = decision.reasons.filter(({ code }) => code !== 'parent');
    return { ...decision, verdict: 'due', reasons: [...others, { code: 'parent', text: `${by} builds on it` }] };
  });
}
