/** Which recovery point is meant by `latest`. */
import type { RecoveryPoint } from './recovery-point.ts';

export interface LatestPoint {
  readonly point: RecoveryPoint;
  /** Newer ones, of fewer sources: runs of single sources leave such. */
  readonly narrower: readonly RecoveryPoint[];
}

/**
 * The newest of those that hold the most of what is wanted.
 * @param points the newest first. @param wanted names of sources. @returns undefined where there is no point.
 */
export function latestPoint(points: readonly RecoveryPoint[], wanted: readonly string[]): LatestPoint | undefined {
  const held = points.map(({ sources }) => sources.filter(({ source }) => wanted.includes(source)).length);
  const at = held.indexOf(Math.max(...held));
  const point = points[at];
  return point && { point, narrower: points.slice(0, at) };
}
