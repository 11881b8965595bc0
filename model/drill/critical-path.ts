/** Which steps a drill waited for, from its declaration until all was green. Pure. */
import type { GraphStep } from '../graph.ts';
import { CHOOSE, confirmId, DECLARE, PROVISION, SOURCE_STEPS } from './steps.ts';

/** Steps of the whole that getting everything back waits for. */
const BEFORE: ReadonlySet<string> = new Set([
  DECLARE,
  PROVISION,
  CHOOSE,
  ...(['provision', 'choose', 'restore', 'probe'] as const).map(confirmId),
]);

type Ended = GraphStep & { readonly started: string; readonly ended: string };

/**
 * From the step that ended last back to whatever it waited for: the one that it builds on, or, where that had long ended, the restore that had
 * taken its place.
 * @returns ids, in their order; empty where nothing has ended.
 */
export function criticalPath(steps: readonly GraphStep[]): readonly string[] {
  const done = steps.filter((step): step is Ended => step.started !== null && step.ended !== null && isRecovery(step));
  const path: string[] = [];
  let next = lastOf(done);
  while (next && !path.includes(next.id)) {
    const at: Ended = next;
    path.unshift(at.id);
    next = lastOf(done.filter((one) => isWaitedFor(one, at) && one.ended <= at.started && !path.includes(one.id)));
  }
  return path;
}

/** Whether a step could begin only when another one had ended: what ended just before by chance held nobody up. */
function isWaitedFor(one: GraphStep, at: GraphStep): boolean {
  if (one.id === at.id) return false;
  const [source, name] = partsOf(at);
  if (source === null) return true;
  const [other, ended] = partsOf(one);
  if (name !== FIRST) return other === source;
  // One that is needed has ended at whichever step it failed; the place of any other is free when that is restored, or has failed before.
  const isNeeded = at.after.some((id) => id.startsWith(`${other}/`));
  return other === null || isNeeded || ended === RESTORE || (ended === FIRST && one.state !== 'done');
}

const [FIRST, RESTORE] = SOURCE_STEPS;

/** Null: it is of the whole. */
function partsOf({ id }: GraphStep): readonly [source: string | null, name: string] {
  if (BEFORE.has(id)) return [null, id];
  const [source = '', name = ''] = id.split('/');
  return [source, name];
}

function isRecovery({ id }: GraphStep): boolean {
  return BEFORE.has(id) || id.includes('/');
}

function lastOf(steps: readonly Ended[]): Ended | undefined {
  return steps.toSorted((a, b) =>
    a.ended === b.ended ? (a.started > b.started ? -1 : 1) : a.ended > b.ended ? -1 : 1,
  )[0];
}
