/** Restore tests and drills: that the hosts, sources and destinations that they name are there. */
import { hostNames } from './hosts.ts';
import type { Draft } from './draft.ts';
import { isOwnSource } from './own-source.ts';
import { nearest } from './nearest.ts';
import type { ConfigPath, ConfigProblem } from './problem.ts';

export function checkProof(site: Draft): readonly ConfigProblem[] {
  const { plans } = site;
  const known = {
    host: hostNames(site),
    source: Object.keys(site.sources),
    destination: Object.keys(site.destinations),
  };
  return [...checkPlan('restoreTest', plans.restoreTest, known), ...checkPlan('drill', plans.drill, known)];
}

interface Known {
  readonly host: readonly string[];
  readonly source: readonly string[];
  readonly destination: readonly string[];
}

function checkPlan(plan: string, named: Draft['plans']['drill'], known: Known): readonly ConfigProblem[] {
  const { host, primary, sources = [] } = named ?? {};
  const path = ['plans', plan];
  return [
    ...unknown([...path, 'host'], 'host', host, known.host),
    ...unknown([...path, 'primary'], 'destination', primary, known.destination),
    ...sources.flatMap((one, index) =>
      typeof one !== 'string' || isOwnSource(one)
        ? []
        : unknown([...path, 'sources', index], 'source', one, known.source),
    ),
  ];
}

function unknown(
  path: ConfigPath,
  kind: string,
  written: string | undefined,
  known: readonly string[],
): readonly ConfigProblem[] {
  if (written === undefined || known.includes(written)) return [];
  const near = nearest(written, known);
  const list = known.length === 0 ? 'There are none.' : `There are: ${known.join(', ')}.`;
  const remedy = near ? `Did you mean "${near}"? ${list}` : list;
  return [{ path, at: 'value', message: `the site has no ${kind} "${written}"`, remedy }];
}
