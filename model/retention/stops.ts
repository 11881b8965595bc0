/** Why a source keeps all that it has for now. What is deleted while something is wrong may be what is needed then. */
import { CLOCKS_AGREE } from '../clock.ts';
import { formatDuration } from '../units.ts';
import type { KeptBackup, Reason, RetentionInput, RetentionPlace, SourceRules } from './types.ts';

export interface Stops {
  /** At every place. */
  readonly everywhere: readonly Reason[];
  /** At one more. */
  readonly at: ReadonlyMap<string, readonly Reason[]>;
}

/** @param all the source's backups of all places, each once, logs left out. */
export function stopsOf(
  input: RetentionInput,
  source: string,
  all: readonly KeptBackup[],
  rules: SourceRules | undefined,
): Stops {
  const own = all.filter(({ authentic }) => authentic);
  const everywhere = [
    ...(rules === undefined ? [removed(source)] : late(own, input.now, rules.overdueAfter)),
    ...clocks(input, own),
    ...(rules === undefined ? [] : shrunk(own, input.accepted, rules.shrinkage)),
  ];
  const at = input.places.map((place) => [place.name, unreadable(place, source)] as const);
  return { everywhere, at: new Map(at) };
}

function removed(source: string): Reason {
  return {
    code: 'removed',
    text: `${source} is not in the config any more, so that no rule says how long it is kept; put it back, or delete its folders by hand`,
  };
}

/** Nothing new comes, or nothing came for so long that what is newest now has yet to show that it lasts. */
function late(own: readonly KeptBackup[], now: number, after: number): readonly Reason[] {
  const begun = own.map(({ started }) => started).toSorted((a, b) => b - a);
  const [newest, before] = begun;
  if (newest === undefined) return [{ code: 'overdue', text: 'it has no backup' }];
  if (now - newest > after) {
    const text = `its newest backup is ${formatDuration(now - newest)} old, and more than ${formatDuration(after)} is overdue (overdueAfter)`;
    return [{ code: 'overdue', text }];
  }
  if (before === undefined || newest - before <= after) return [];
  const text = `nothing had come for ${formatDuration(newest - before)} before its newest backup: the next one has to come first`;
  return [{ code: 'gap', text }];
}

function clocks({ now, places }: RetentionInput, own: readonly KeptBackup[]): readonly Reason[] {
  const apart = places.find(({ clockAhead }) => clockAhead !== null && Math.abs(clockAhead) > CLOCKS_AGREE);
  if (apart?.clockAhead) {
    const by = formatDuration(Math.abs(apart.clockAhead));
    const text = `the clock of ${apart.name} is ${by} ${apart.clockAhead > 0 ? 'ahead of' : 'behind'} ours: one of them is wrong`;
    return [{ code: 'clock', text }];
  }
  const ahead = own.find(({ started, scheduled }) => Math.max(started, scheduled) - now > CLOCKS_AGREE);
  if (!ahead) return [];
  return [{ code: 'clock', text: `${ahead.reference} is of the future by our clock: it was wrong then, or is now` }];
}

/** A full that lost so much stands for a source that lost it, until a later one has it again, or somebody says that it is right. */
function shrunk(own: readonly KeptBackup[], accepted: ReadonlySet<string>, shrinkage: number): readonly Reason[] {
  if (shrinkage >= 1) return [];
  const fulls = own.filter(({ kind, isCopy }) => kind === 'full' && !isCopy).toSorted((a, b) => a.started - b.started);
  let whole: KeptBackup | undefined;
  let small: KeptBackup | undefined;
  for (const full of fulls) {
    const lost = whole !== undefined && full.plainBytes < whole.plainBytes * (1 - shrinkage);
    if (lost && !accepted.has(full.sha256)) {
      small ??= full;
      continue;
    }
    whole = full;
    small = undefined;
  }
  if (!small || !whole) return [];
  const left = Math.floor((100 * small.plainBytes) / whole.plainBytes);
  return [
    {
      code: 'shrunk',
      text: `${small.reference} has ${left} % of what ${whole.reference} had: if that is right, say so with prune --accept ${small.reference}`,
    },
  ];
}

function unreadable(place: RetentionPlace, source: string): readonly Reason[] {
  const found = place.unreadable.find((each) => each.source === null || each.source === source);
  if (!found) return [];
  const text = `the manifest in ${found.folder} at ${place.name} cannot be read, and what it builds on is not known: see \`mosaic-backup list\`, and move it away`;
  return [{ code: 'unreadable', text }];
}
