/** What no check could look at, as sentences: each reason once. Pure. */
import type { Check } from '../../model/evidence.ts';

export function notLookedAt(checks: readonly Check[]): readonly string[] {
  // What the sample compared itself, table by table, was looked at.
  const unseen = checks.filter(
    ({ name, compared, ok }) => !ok && !compared && !checks.some((other) => other.name.startsWith(`${name}: `)),
  );
  const reasons = Map.groupBy(unseen, ({ detail }) => detail);
  return [...reasons].map(([detail, of]) => sentence(of.map(({ name }) => name).join(', '), detail));
}

/** A detail may begin with what it is of, or with what was not done with it. */
function sentence(names: string, detail: string): string {
  if (detail.startsWith(`${names} `)) return detail;
  return detail.startsWith('not ') ? `${names} ${detail}` : `${names} not compared: ${detail}`;
}
