/** A restore of a recovery point in words: before, and after. */
import { measuredAt } from '../../../activities/operations/proof/measured.ts';
import type { PointPlan, PointStep } from '../../../activities/operations/restore-point/plan.ts';
import type { RestoredSource } from '../../../activities/operations/restore-point/restore.ts';
import type { Site } from '../../../activities/site.ts';
import { timeInOrder } from '../../../model/in-order.ts';
import { expectedTime } from '../../../model/proof/expected.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import { table } from '../output.ts';

export interface Expected {
  /** Milliseconds by source, by what restores of it from its first place took; null where none was measured. */
  readonly of: ReadonlyMap<string, number | null>;
  /** Of all together; null where one is not known. */
  readonly total: number | null;
}

export async function expectedOf(site: Site, { steps }: PointPlan, beside: number): Promise<Expected> {
  const timed = await Promise.all(
    steps.map(async ({ source, after, bytes, places, frozen }) => {
      const [from = frozen[0]] = places;
      return { source, after, expected: from ? expectedTime(bytes, await measuredAt(site, from.store, source)) : null };
    }),
  );
  return {
    of: new Map(timed.map(({ source, expected }) => [source, expected])),
    total: timeInOrder(timed, beside),
  };
}

export function pointHead({ point, steps }: PointPlan, to: string, expected: number | null): string {
  const bytes = steps.reduce((sum, step) => sum + step.bytes, 0);
  const time = expected === null ? '' : `, expected to take ${formatDuration(expected)}`;
  return `${point.id} (${point.outcome}) to ${to}: ${steps.length} sources, ${formatBytes(bytes)} at most${time}`;
}

export function pointPlanText({ steps, lacking }: PointPlan, expected: Expected['of']): string {
  const rows = steps.map(({ source, backup, stale, places, frozen, bytes, after }: PointStep) => {
    const time = expected.get(source) ?? null;
    const asleep = frozen.map(({ name }) => `${name} (frozen)`);
    return [
      source,
      `${backup.reference}${stale ? ' (older than the run)' : ''}`,
      [...places.map(({ name }) => name), ...asleep].join(', '),
      formatBytes(bytes),
      time === null ? '' : formatDuration(time),
      after.join(', '),
    ];
  });
  return [
    table(['source', 'backup', 'from', 'at most', 'expected', 'after'], rows, ['at most', 'expected']),
    ...lacking.map(({ source, why }) => `${source}: nothing to restore: ${why}`),
  ].join('\n');
}

export function pointResultText(restored: readonly RestoredSource[], { lacking }: PointPlan): string {
  const rows = restored.map(({ source, reference, from, existed, milliseconds, error }) => [
    source,
    error ? 'FAILED' : existed ? 'was there already' : `restored in ${(milliseconds / 1000).toFixed(1)}s`,
    reference,
    from ?? '',
  ]);
  return [
    table(['source', 'outcome', 'backup', 'from'], rows),
    ...restored.flatMap(({ source, passed }) => passed.map((why) => `${source}: passed over: ${why}`)),
    ...restored.flatMap(({ source, error }) =>
      error ? [`${source}: ${error.message}${error.remedy ? `\n  What to do: ${error.remedy}` : ''}`] : [],
    ),
    ...lacking.map(({ source, why }) => `${source}: nothing to restore: ${why}`),
  ].join('\n');
}

export function restoredFacts({ error, ...one }: RestoredSource) {
  return { ...one, error: error && { code: error.code, message: error.message, remedy: error.remedy ?? null } };
}
