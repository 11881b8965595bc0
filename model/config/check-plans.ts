/** Plans of the config's own: their names; and that what plans name is there. */
import { nearest } from './nearest.ts';
import { PLAN_NAME } from './plans.ts';
import type { Draft } from './draft.ts';
import { isOwnSource } from './own-source.ts';
import type { ConfigProblem } from './problem.ts';
import { RESERVED_PLANS } from '../plans.ts';

export function checkPlans(site: Draft): readonly ConfigProblem[] {
  const custom = Object.entries(site.plans.custom);
  const known = Object.keys(site.sources);
  return [
    ...custom.flatMap(([name]) => checkName(name)),
    ...custom.flatMap(([name, { sources }]) => checkSources(name, sources ?? [], known)),
    ...Object.keys(site.plans.restoreTest?.sandboxImages ?? {})
      .filter((one) => !known.includes(one))
      .map((one) => unknown(['plans', 'restoreTest', 'sandboxImages', one], 'key', one, known)),
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
    return [unknown(['plans', 'custom', plan, 'sources', index], 'value', one, known)];
  });
}

function unknown(
  path: ConfigProblem['path'],
  at: 'key' | 'value',
  one: string,
  known: readonly string[],
): ConfigProblem {
  const near = nearest(one, known);
  const list = `There are: ${known.join(', ')}.`;
  const remedy = near ? `Did you mean "${near}"? ${list}` : list;
  return { path, at, message: `the site has no source "${one}"`, remedy };
}
