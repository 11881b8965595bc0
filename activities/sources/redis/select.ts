/** Which times a backup of Redis reaches by itself: it has no logs besides. Pure. */
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import type { LogSelection } from '../types.ts';
import { reachOf, requireReachable } from './point-in-time.ts';
import { positionOf } from './position.ts';

export function select(base: Manifest, _logs: readonly Manifest[], target: RestoreTarget): LogSelection {
  const position = positionOf(base);
  try {
    requireReachable(position, target);
    return { reached: true, logs: [] };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'refused') throw error;
    const { from, to, every } = position.times;
    return { reached: false, why: `it holds ${reachOf(position.times)}`, from, until: every ? to : null };
  }
}
