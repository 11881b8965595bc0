/** Probes that could never be asked of their source, and such that reports could not tell apart. */
import type { SourceType } from '../source.ts';
import type { Draft } from './draft.ts';
import { isWithin } from './folders.ts';
import { kindOf, PROBE_KINDS, type ProbeKind } from './probe.ts';
import type { ConfigProblem } from './problem.ts';

type Drafted = Draft['sources'][string];
type Wrong = Pick<ConfigProblem, 'message' | 'remedy'>;

const DATABASES: ReadonlySet<SourceType | undefined> = new Set(['postgres', 'mariadb', 'redis'] as const);

export function checkProbes({ sources }: Draft): readonly ConfigProblem[] {
  return Object.entries(sources).flatMap(([name, source]) => {
    const { probes = [] } = source;
    return probes.flatMap((probe, index) => {
      if (typeof probe !== 'object' || probe === null) return [];
      const wrong = wrongWith(source, probe) ?? sameAsBefore(probes.slice(0, index), probe);
      return wrong ? [{ path: ['sources', name, 'probes', index], at: 'value', ...wrong } satisfies ConfigProblem] : [];
    });
  });
}

function wrongWith({ type, start, paths }: Drafted, probe: object): Wrong | undefined {
  const kinds = PROBE_KINDS.filter((kind) => Object.hasOwn(probe, kind));
  if (kinds.length > 1)
    return { message: `two probes in one: ${kinds.join(' and ')}`, remedy: 'Write each as an entry of its own.' };
  const kind = kindOf(probe);
  if (kind === undefined || type === undefined) return undefined;
  return notFor(type, kind, start !== undefined) ?? neverRestored(probe, paths);
}

/** Where nothing is ever restored, nothing can be missing: `exists: false` would hold for any backup. */
function neverRestored(probe: object, paths: readonly unknown[] | undefined): Wrong | undefined {
  const wanted = 'file' in probe ? probe.file : 'git' in probe ? probe.git : undefined;
  if (typeof wanted !== 'string' || paths === undefined) return undefined;
  if (paths.some((one) => typeof one !== 'string' || isWithin(wanted, one) || isWithin(one, wanted))) return undefined;
  return {
    message: `${wanted} is in none of the paths of the source, so it is in no backup`,
    remedy: 'Write it as it is called below one of them.',
  };
}

function notFor(type: SourceType, kind: ProbeKind, starts: boolean): Wrong | undefined {
  const isDatabase = DATABASES.has(type);
  if (kind === 'query' && !isDatabase)
    return {
      message: `a source of the type ${type} has nobody who answers a query`,
      remedy: 'Ask by file, git, http or command.',
    };
  if ((kind === 'file' || kind === 'git') && isDatabase)
    return { message: `a source of the type ${type} has no files of its own`, remedy: 'Ask by query or command.' };
  if (kind === 'http' && isDatabase)
    return { message: `a source of the type ${type} answers no HTTP`, remedy: 'Ask by query or command.' };
  if (kind === 'http' && !starts)
    return {
      message: 'nothing is started that could answer',
      remedy:
        'Say what serves the restored files: start: { command: [PROGRAM, ARGUMENT…] }, which listens on 127.0.0.1.',
    };
  return undefined;
}

function sameAsBefore(others: readonly unknown[], probe: object): Wrong | undefined {
  const name = nameIn(probe);
  if (name === undefined || !others.some((other) => nameIn(other) === name)) return undefined;
  return {
    message: `a second probe with the name "${name}"`,
    remedy: 'Reports could not tell them apart: give each a name of its own.',
  };
}

function nameIn(probe: unknown): string | undefined {
  if (typeof probe !== 'object' || probe === null || !('name' in probe)) return undefined;
  return typeof probe.name === 'string' ? probe.name : undefined;
}
