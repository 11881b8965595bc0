/** The decisions of retention as people read them: place by place, each with its reasons, and the sums. */
import type { Pruned } from '../../activities/operations/prune/index.ts';
import { FORBIDDEN } from '../../model/retention/lines.ts';
import type { PlaceRetention } from '../../model/retention/summary.ts';
import type { Decision } from '../../model/retention/types.ts';
import { formatBytes } from '../../model/units.ts';

export interface PruneTextOptions {
  /** It was deleted; else it would be. */
  readonly apply: boolean;
  readonly verbose: number;
}

export function pruneText({ decisions, summary }: Pruned, options: PruneTextOptions): string {
  const byPlace = Map.groupBy(decisions, ({ place }) => place);
  return [
    ...summary.places.flatMap((place) => [...placeLines(place, byPlace.get(place.place) ?? [], options), '']),
    ...summary.stopped.map(({ source, reasons }) => `${source}: nothing of it is deleted: ${reasons.join('; ')}`),
    sums(summary.places, options),
  ].join('\n');
}

const WORDS = { keep: 'keep', due: 'kept', delete: 'delete' } as const;

function placeLines(
  place: PlaceRetention,
  decisions: readonly Decision[],
  { verbose }: PruneTextOptions,
): readonly string[] {
  if (place.away !== null) return [`${place.place}: not looked at: ${place.away}`];
  const lines = (verbose > 0 ? decisions.map((decision) => [decision]) : runsOf(decisions)).map(line);
  return [
    `${place.place}:`,
    ...(lines.length > 0 ? lines : ['  nothing']),
    ...(place.mayDelete || place.left.backups === 0 ? [] : [`  not deleted: ${FORBIDDEN}`]),
    ...place.problems.map((problem) => `  not deleted: ${problem}`),
  ];
}

/** Logs are one every few minutes: those that follow each other with one verdict and the same reasons are one line. */
function runsOf(decisions: readonly Decision[]): readonly (readonly Decision[])[] {
  const runs: Decision[][] = [];
  for (const decision of decisions) {
    const [first] = runs.at(-1) ?? [];
    if (first && isLikeIt(first, decision)) runs.at(-1)?.push(decision);
    else runs.push([decision]);
  }
  return runs;
}

function isLikeIt(one: Decision, two: Decision): boolean {
  return (
    one.backup.kind === 'logs' &&
    two.backup.kind === 'logs' &&
    one.backup.source === two.backup.source &&
    one.verdict === two.verdict &&
    reasonsOf(one) === reasonsOf(two)
  );
}

function line(run: readonly Decision[]): string {
  const [first] = run;
  const last = run.at(-1);
  if (!first || !last) return '';
  const bytes = run.reduce((sum, { backup }) => sum + backup.bytes, 0);
  const what =
    run.length === 1 ? first.backup.reference : `${first.backup.reference} to ${last.backup.reference} (${run.length})`;
  return `  ${WORDS[first.verdict].padEnd(6)} ${what}  ${formatBytes(bytes)}  ${reasonsOf(first)}`;
}

function reasonsOf({ reasons }: Decision): string {
  return reasons.map(({ text }) => text).join('; ');
}

function sums(places: readonly PlaceRetention[], { apply }: PruneTextOptions): string {
  const lines = places
    .filter(({ away }) => away === null)
    .map(({ place, kept, due, deleted, left }) => {
      const stays = `${kept.backups} within their time, ${due.backups} kept beyond it (${formatBytes(due.bytes)})`;
      const gone = apply
        ? `${deleted.backups} deleted (${formatBytes(deleted.bytes)} freed)${left.backups > 0 ? `, ${left.backups} not deleted` : ''}`
        : `${left.backups} to delete (${formatBytes(left.bytes)})`;
      return `${place}: ${gone}, ${stays}`;
    });
  const hint = !apply && places.some(({ left }) => left.backups > 0) ? ['Nothing was deleted: --yes does it.'] : [];
  return [...lines, ...hint].join('\n');
}
