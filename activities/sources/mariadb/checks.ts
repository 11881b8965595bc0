/** Results of a check, in the form of evidence. */
import type { Check } from '../../../model/evidence.ts';

/** Everything that a check of a MariaDB backup looks at, in the order it does. */
export const CHECKS = ['start', 'databases', 'tables', 'routines', 'events', 'users', 'rows', 'mariadb-check'] as const;
export type CheckName = (typeof CHECKS)[number];

export function passed(name: CheckName, detail: string): Check {
  return { name, compared: true, ok: true, detail };
}

export function failed(name: CheckName, detail: string): Check {
  return { name, compared: true, ok: false, detail };
}

/** Not looked at is never "ok"; nor is it a failure, which is for the reader of `compared` to tell. */
export function notCompared(name: CheckName, detail: string): Check {
  return { name, compared: false, ok: false, detail };
}

/** All that nobody could look at, for one reason. */
export function noneCompared(names: readonly CheckName[], detail: string): readonly Check[] {
  return names.map((name) => notCompared(name, detail));
}

/** The first of a list, and how many more there are. */
export function some(names: readonly string[], shown = 5): string {
  const more = names.length - shown;
  return more > 0 ? `${names.slice(0, shown).join(', ')} and ${more} more` : names.join(', ');
}
