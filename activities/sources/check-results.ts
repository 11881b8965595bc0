/** Results of a check, in the form of evidence: one kind for all source types, each with names of its own. */
import type { Check } from '../../model/evidence.ts';

export interface CheckResults<Name extends string> {
  readonly passed: (name: Name, detail: string) => Check;
  readonly failed: (name: Name, detail: string) => Check;
  /** Not looked at is never "ok"; nor is it a failure, which is for the reader of `compared` to tell. */
  readonly notCompared: (name: Name, detail: string) => Check;
  /** All that nobody could look at, for one reason. */
  readonly noneCompared: (names: readonly Name[], detail: string) => readonly Check[];
}

export function checkResults<Name extends string>(): CheckResults<Name> {
  const notCompared = (name: Name, detail: string): Check => ({ name, compared: false, ok: false, detail });
  return {
    passed: (name, detail) => ({ name, compared: true, ok: true, detail }),
    failed: (name, detail) => ({ name, compared: true, ok: false, detail }),
    notCompared,
    noneCompared: (names, detail) => names.map((name) => notCompared(name, detail)),
  };
}

/** The first of a list, and how many more there are. */
export function some(names: readonly string[], shown = 5): string {
  const more = names.length - shown;
  return more > 0 ? `${names.slice(0, shown).join(', ')} and ${more} more` : names.join(', ');
}
