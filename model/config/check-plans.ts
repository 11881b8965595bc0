/** Plans of the config's own: their names, and that what they name is there. */
import { nearest } from './nearest.ts';
import { PLAN_NAME } from './plans.ts';
import type { Draft } from './draft.ts';
import { isOwnSource } from './own-source.ts';
import type { ConfigProblem } from './problem.ts';
import { RESERVED_PLANS } from '../plans.ts';

export function checkPlans(site: Draft): readonly ConfigProblem[] {
  const custom = Object.entries(site.plans.custom);
  return [
    ...custom.flatMap(([name]) => checkName(name)),
    ...custom.flatMap(([name, { sources }]) => checkSources(name, sources ?? [], Object.keys(site.sources))),
  ];
}

function checkName(name: string): readonly ConfigProblem[] {
  const path = ['plans', 'custom', name];
  if (RESERVED_PLANS.includes(name))
    return [
      {
        path,
        at: 'key',
        message: 'a plan of your own cannot have this name',
        remedy: `The names ${RESERVED_PLANS.join(', ')} have a meaning: choose another, or set the plan itself (plans.daily).`,
      },
    ];
  if (PLAN_NAME.test(name)) return [];
  const remedy =
    'A plan has up to 40 small letters, digits and dashes, and begins with a letter: its runs are named by it.';
  return [{ path, at: 'key', message: 'not a name of a plan', remedy }];
}

function checkSources(plan: string, named: readonly unknown[], known: readonly string[]): readonly ConfigProblem[] {
  return named.flatMap((one, index) => {
    if (typeof one !== 'string' || known.includes(one) || isOwnSource(one)) return [];
    const near = nearest(one, known);
    const list = `There are: ${known.join(', ')}.`;
    return [
      {
        path: ['plans', 'custom', plan, 'sources', index],
        at: 'value',
        message: `the site has no source "${one}"`,
        remedy: near ? `Did you mean "${near}"? ${list}` : list,
      } satisfies ConfigProblem,
    ];
  });
}
