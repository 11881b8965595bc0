/** The order in which sources are recovered, in a drill as by the runbook. Pure. */
import { isOwnSource } from '../config/own-source.ts';
import type { SiteConfig } from '../config/site.ts';
import { defaultGroup, GROUPS } from '../source.ts';

export interface RecoverySource {
  readonly name: string;
  /** Those of them that must be up before. */
  readonly after: readonly string[];
}

/** By groups, each after those that it needs; the config has no circles. Names that it does not have are left out. */
export function recoveryOrder({ sources }: Pick<SiteConfig, 'sources'>, wanted: readonly string[]): RecoverySource[] {
  const rest = wanted.filter((name) => sources[name] !== undefined).toSorted((a, b) => rank(a) - rank(b));
  const ordered: RecoverySource[] = [];
  while (rest.length > 0) {
    const at = rest.findIndex((name) => afterOf(name).every((other) => !rest.includes(other)));
    const [name = ''] = rest.splice(Math.max(0, at), 1);
    ordered.push({ name, after: afterOf(name).filter((other) => wanted.includes(other)) });
  }
  return ordered;

  function afterOf(name: string): readonly string[] {
    return sources[name]?.after ?? [];
  }

  /** The host's own files first: what everything else is configured by. */
  function rank(name: string): number {
    const source = sources[name];
    if (source === undefined || isOwnSource(name)) return -1;
    return GROUPS.indexOf(source.group ?? defaultGroup(source.type));
  }
}
