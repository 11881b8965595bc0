/** Which host does what: every name that is used is one that there is. */
import { taskQueues } from '../run.ts';
import type { Draft } from './draft.ts';
import { nearest } from './nearest.ts';
import type { ConfigPath, ConfigProblem } from './problem.ts';

export function checkHosts(site: Draft): readonly ConfigProblem[] {
  if (site.hosts === undefined) return checkWithoutHosts(site);
  const hosts = Object.keys(site.hosts);
  if (hosts.length === 0)
    return [problem(['hosts'], 'names no host', 'Name at least one, or leave "hosts" out where there is one machine.')];
  return [...checkCoordinator(site, hosts), ...checkSources(site, hosts), ...checkQueues(hosts)];
}

/** The queues of a host are called by it, and one more word: a host that is called so would be given the other's steps. */
function checkQueues(hosts: readonly string[]): readonly ConfigProblem[] {
  return hosts.flatMap((name) => {
    const other = hosts.find((one) => one !== name && queuesOf(one).includes(taskQueues('', name).host));
    return other === undefined
      ? []
      : [
          {
            path: ['hosts', name],
            at: 'key',
            message: `it would share a queue of Temporal with "${other}", and take its steps`,
            remedy: `Choose another name, without ".${name.slice(other.length + 1)}" at its end.`,
          } satisfies ConfigProblem,
        ];
  });
}

function queuesOf(host: string): readonly string[] {
  return Object.values(taskQueues('', host));
}

/** One machine: a source may still name it, by the coordinator's name. */
function checkWithoutHosts({ sources, coordinator }: Draft): readonly ConfigProblem[] {
  return Object.entries(sources).flatMap(([name, { host }]) =>
    host === undefined || host === coordinator
      ? []
      : [
          problem(
            ['sources', name, 'host'],
            `the site has no host "${host}"`,
            'List it under "hosts", or leave it out where there is one machine.',
          ),
        ],
  );
}

function checkCoordinator({ coordinator }: Draft, hosts: readonly string[]): readonly ConfigProblem[] {
  if (coordinator !== undefined)
    return hosts.includes(coordinator) ? [] : [unknown(['coordinator'], coordinator, hosts)];
  if (hosts.length === 1) return [];
  const message = 'is missing: with several hosts, one of them coordinates';
  return [problem(['coordinator'], message, `One of: ${hosts.join(', ')}.`)];
}

function checkSources({ sources }: Draft, hosts: readonly string[]): readonly ConfigProblem[] {
  return Object.entries(sources).flatMap(([name, { host }]) => {
    const path = ['sources', name, 'host'];
    if (host !== undefined) return hosts.includes(host) ? [] : [unknown(path, host, hosts)];
    if (hosts.length === 1) return [];
    return [
      problem(
        path,
        'is missing: with several hosts, each source says which one captures it',
        `One of: ${hosts.join(', ')}.`,
      ),
    ];
  });
}

function unknown(path: ConfigPath, host: string, hosts: readonly string[]): ConfigProblem {
  const near = nearest(host, hosts);
  return problem(
    path,
    `the site has no host "${host}"`,
    `${near ? `Did you mean "${near}"? ` : ''}There are: ${hosts.join(', ')}.`,
  );
}

function problem(path: ConfigPath, message: string, remedy: string): ConfigProblem {
  return { path, at: 'value', message, remedy };
}
