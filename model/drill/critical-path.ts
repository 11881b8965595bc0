/** Which steps a drill waited for, from its declaration until all was green. Pure. */
import type { GraphStep } from '../graph.ts';
import { CHOOSE, confirmId, DECLARE, PROVISION } from './steps.ts';

/** Steps that take no part in getting everything back. */
const BEFORE: ReadonlySet<string> = new Set([
  DECLARE,
  PROVISION,
  CHOOSE,
  ...(['provision', 'choose', 'restore', 'probe'] as const).map(confirmId),
]);

type Ended = GraphStep & { readonly started: string; readonly ended: string };

/**
 * From the step that ended last back to whatever it waited for: the one that it builds on, or, where that had long ended, the one that had taken
 * its place.
 * @returns ids, in their order; empty where nothing has ended.
 */
export function criticalPath(steps: readonly GraphStep[]): readonly string[] {
  const done = steps.filter((step): step is Ended => step.started !== null && step.ended !== null && isRecovery(step));
  const path: string[] = [];
  let next = lastOf(done);
  while (next && !path.includes(next.id)) {
    const at: Ended = next;
    path.unshift(at.id);
    next = lastOf(done.filter((one) => one.id !== at.id && one.ended <= at.started && !path.includes(one.id)));
  }
  return path;
}

function isRecovery({ id }: GraphStep): boolean {
  return BEFORE.has(id) || id.includes('/');
}

function lastOf(steps: readonly Ended[]): Ended | undefined {
  return steps.toSorted((a, b) =>
    a.ended === b.ended ? (a.started > b.started ? -1 : 1) : a.ended > b.ended ? -1 : 1,
  )[0];
}
