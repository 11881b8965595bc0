/** Which source comes after which: a wait that could not end is refused. */
import { defaultGroup, GROUPS, type Group } from '../source.ts';
import type { Draft } from './draft.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';

type Sources = Draft['sources'];

export function checkAfter({ sources }: Draft): readonly ConfigProblem[] {
  return Object.entries(sources).flatMap(([name, { after = [] }]) =>
    after.flatMap((other, index) => {
      const wrong = wrongWith(sources, name, other);
      return wrong ? [{ path: ['sources', name, 'after', index], at: 'value', ...wrong } satisfies ConfigProblem] : [];
    }),
  );
}

function wrongWith(
  sources: Sources,
  name: string,
  other: string,
): Pick<ConfigProblem, 'message' | 'remedy'> | undefined {
  if (!Object.hasOwn(sources, other)) {
    const near = nearest(other, Object.keys(sources));
    const remedy = `${near ? `Did you mean "${near}"? ` : ''}There are: ${Object.keys(sources).join(', ')}.`;
    return { message: `there is no source "${other}"`, remedy };
  }
  const circle = wayBack(sources, other, name, [name, other]);
  if (circle)
    return { message: `each would wait for the other: ${circle.join(' after ')}`, remedy: 'Leave one of them out.' };
  const [mine, its] = [groupOf(sources, name), groupOf(sources, other)];
  if (mine === undefined || its === undefined || GROUPS.indexOf(its) <= GROUPS.indexOf(mine)) return undefined;
  return {
    message: `"${other}" is captured in the phase ${its}, which begins when that of "${name}" (${mine}) has ended`,
    remedy: `Phases come in the order ${GROUPS.join(', ')}: give one of them another group, or leave this out.`,
  };
}

/** The names from `from` back to `to`, where there is such a way. */
function wayBack(sources: Sources, from: string, to: string, way: readonly string[]): readonly string[] | undefined {
  if (from === to) return way;
  for (const next of sources[from]?.after ?? []) {
    if (next !== to && way.includes(next)) continue;
    const found = wayBack(sources, next, to, [...way, next]);
    if (found) return found;
  }
  return undefined;
}

function groupOf(sources: Sources, name: string): Group | undefined {
  const { group, type } = sources[name] ?? {};
  return group ?? (type && defaultGroup(type));
}
