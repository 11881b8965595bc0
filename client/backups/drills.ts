/** How the drills of a site stand: the last of each scenario, and whether one has succeeded of late. */
import type { Site } from '../../activities/site.ts';
import { isAhead } from '../../model/clock.ts';
import type { DrillReport, Scenario } from '../../model/drill/drill.ts';
import { missedInShort } from '../../model/drill/index-document.ts';
import { isDrilled, isWhole, leftOutBy } from '../../model/drill/whole.ts';
import type { Finding } from '../../model/finding.ts';
import { formatDuration } from '../../model/units.ts';

export interface DrillStatus {
  readonly drill: string;
  readonly scenario: Scenario;
  readonly outcome: string;
  /** RFC 3339. */
  readonly declared: string;
  /** Milliseconds since then. */
  readonly age: number;
  /** Milliseconds; null where not all came back, or nothing is known of what was lost. */
  readonly rto: number | null;
  readonly rpo: number | null;
  /** Objectives that it missed, in words; empty where it missed none. */
  readonly missed: string;
}

/** The last of each scenario that has ended, the newest first; none that a wrong clock has dated into the future. @param drills newest first. */
export function lastDrills(drills: readonly DrillReport[], now: number): readonly DrillStatus[] {
  const seen = new Set<Scenario>();
  return drills.flatMap((report) => {
    const { runId, scenario, outcome, declared, rto, rpo } = report;
    if (outcome === null || declared === null || isAhead(declared, now) || seen.has(scenario)) return [];
    seen.add(scenario);
    const age = Math.max(0, now - Date.parse(declared));
    return [{ drill: runId, scenario, outcome, declared, age, rto, rpo, missed: missedInShort(report) }];
  });
}

/**
 * What is to be said where none has brought back all that the config has for so long as it allows; null where one has, or where none is planned.
 * @param since RFC 3339: when the site's first run ended; null before.
 */
export function staleDrills(
  { config }: Pick<Site, 'config'>,
  {
    drills,
    since,
    now,
  }: { readonly drills: readonly DrillReport[]; readonly since: string | null; readonly now: number },
): { readonly message: string; readonly remedy: string } | null {
  const { staleAfter, scenarios } = config.plans.drill;
  if (!isDrilled(config)) return null;
  const good = drills.filter((one) => one.declared !== null && !isAhead(one.declared, now) && isWhole(one, config));
  const last =
    good
      .map(({ declared }) => declared ?? '')
      .toSorted()
      .at(-1) ?? null;
  const from = last ?? since;
  if (from === null || now - Date.parse(from) <= staleAfter) return null;
  const age = formatDuration(now - Date.parse(from));
  const part = drills.find(({ outcome }) => outcome === 'complete');
  const never = part
    ? `no drill has brought back all that the config has, for ${age}: ${part.runId} was without ${leftOutBy(part, config).join(', ')}`
    : `no disaster was ever rehearsed to the end, for ${age}: nobody knows how long a recovery takes, and whether it succeeds`;
  return {
    message: last === null ? never : `the last drill that brought everything back was ${age} ago`,
    remedy: `mosaic-backup drill start ${scenarios[0] ?? 'host-lost'}`,
  };
}

/** @param problems records that count for nothing, and places that could not be looked at. */
export function drillFindings(
  site: Site,
  asked: Parameters<typeof staleDrills>[1],
  problems: readonly { readonly place: string; readonly problem: string }[],
): readonly Finding[] {
  const stale = staleDrills(site, asked);
  return [
    ...(stale === null
      ? []
      : [{ code: 'status.drill-stale', severity: 'warning', ...stale, subject: 'drills' } satisfies Finding]),
    ...problems
      .filter(({ problem }) => problem.startsWith('drills/'))
      .map(({ place, problem }): Finding => ({
        code: 'status.drill-record',
        severity: 'warning',
        message: `${place}: ${problem}`,
        remedy:
          'Find out who changed it; another place may have it as it was: mosaic-backup drill list --destination NAME',
        subject: place,
      })),
  ];
}
