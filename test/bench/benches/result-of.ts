import type { Result, Series } from '../result.ts';

/** A result out of rows, of which the first is ours. */
export function resultOf([ours, ...peers]: readonly Series[], facts: Omit<Result, 'ours' | 'peers'>): Result {
  if (!ours) throw new TypeError('a result without a row');
  return { ...facts, ours, peers };
}

/** A row of figures that have neither sizes nor memory. */
export function plainSeries({
  name,
  settings,
  runs,
  goal,
}: Pick<Series, 'name' | 'settings' | 'runs' | 'goal'>): Series {
  return { name, settings, runs, goal, stored: null, worker: null, programs: null };
}
