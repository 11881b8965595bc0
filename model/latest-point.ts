/** Which recovery point is meant by `latest`. */
import type { RecoveryPoint } from './recovery-point.ts';
import { runTimeOf } from './reference.ts';

export interface LatestPoint {
  readonly point: RecoveryPoint;
  /** Newer ones, of fewer sources: runs of single sources leave such. */
  readonly narrower: readonly RecoveryPoint[];
}

/**
 * The newest of those that hold the most of what is wanted, and none whose backups another one of these has newer: the run of the archive takes fulls
 * that were there before the last daily.
 * @param points the newest first. @param wanted names of sources. @returns undefined where there is no point.
 */
export function latestPoint(points: readonly RecoveryPoint[], wanted: readonly string[]): LatestPoint | undefined {
  const held = ({ sources }: RecoveryPoint): number => sources.filter(({ source }) => wanted.includes(source)).length;
  const most = Math.max(...points.map(held));
  const widest = points.filter((one) => held(one) === most);
  const point = widest.find((one) => !widest.some((other) => isOlder(one, other, wanted)));
  return point && { point, narrower: points.slice(0, points.indexOf(point)).filter((one) => held(one) < most) };
}

/** Whether of what is wanted it has nothing newer than the other one, and something older. */
function isOlder(one: RecoveryPoint, other: RecoveryPoint, wanted: readonly string[]): boolean {
  const times = wanted.map((source) => [timeIn(one, source), timeIn(other, source)] as const);
  return times.every(([own, others]) => own <= others) && times.some(([own, others]) => own < others);
}

/** Empty where it has none of the source. */
function timeIn({ sources }: RecoveryPoint, source: string): string {
  return runTimeOf(sources.find((one) => one.source === source)?.backup?.reference ?? '');
}
