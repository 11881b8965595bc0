/** What a drill is to do, read from the config. */
import { coordinatorOf } from '../../../model/config/hosts.ts';
import type { SiteConfig } from '../../../model/config/site.ts';
import type { DrillAsked, DrillSpec, DrillStep, Scenario } from '../../../model/drill/drill.ts';
import { recoveryOrder, type RecoverySource } from '../../../model/drill/order.ts';
import { sourcesOfDrills } from '../../../model/drill/whole.ts';
import { BackupError } from '../../../model/errors.ts';
import { runId } from '../../../model/run.ts';
import { scheduledTime } from '../../../model/time.ts';
import type { Site } from '../../site.ts';
import { sourceConfig } from '../source-config.ts';

/**
 * @throws BackupError `config` when the site is another; `refused` for a game day where there is none; `not-found` for a source that there is not;
 *   `usage` for a moment that means nothing in the scenario, or is still to come.
 */
export function planDrill(site: Site, input: DrillAsked & { readonly scheduled: string }): DrillSpec {
  const { config, file } = site;
  if (input.site !== config.site) {
    throw new BackupError('config', `this worker serves the site "${config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${file}.`,
    });
  }
  const { drill } = config.plans;
  const { retryFirst, retryMax, heartbeat, standstill, deadline, alertAfter, remindAfter } = drill;
  const names = [...new Set(input.sources ?? sourcesOfDrills(config))];
  // One that there is not is refused.
  for (const source of names) sourceConfig(site, source);
  const timed = input.timed === true;
  const manual = input.manual ?? drill.manual;
  const scenario = input.scenario ?? scenarioInTurn(config, input.scheduled);
  return {
    runId: runId(input.plan, input.scheduled),
    site: config.site,
    plan: input.plan,
    scheduled: scheduledTime(input.scheduled),
    scenario,
    host: drill.host ?? coordinatorOf(config),
    steps: recoveryOrder(config, names).map((one) => stepOf(site, one)),
    objectives: { rpo: drill.objectives.rpo ?? null, rto: drill.objectives.rto ?? null },
    manual: isGameDay(site, input) ? [...new Set([...manual, 'tear-down' as const])] : manual,
    at: input.at === undefined ? null : momentOf(scenario, input.at),
    // Whoever starts one by hand waits for it.
    declareWithin: timed ? drill.declareWithin : 0,
    beside: drill.beside,
    waits: { deadline, retryFirst, retryMax, heartbeat, standstill, alertAfter, remindAfter },
    notified: config.notify.length > 0,
    config: site.configDigest,
  };
}

/** What stays up is a copy of everything, open to whoever is on that host: nobody starts it by a slip. @throws BackupError `refused`. */
function isGameDay({ config, file }: Site, { gameDay }: DrillAsked): boolean {
  if (gameDay === undefined) return false;
  if (!config.plans.drill.gameDay) {
    throw new BackupError('refused', `${file} does not say that a game day is possible here`, {
      remedy:
        'Where the site is no production, set plans.drill.gameDay: true. A drill without it touches no production either.',
    });
  }
  if (gameDay === config.site) return true;
  throw new BackupError('refused', `this is the site "${config.site}", not "${gameDay}"`, {
    remedy: `Look which config is used (${file}); a game day asks for the name of the site itself.`,
  });
}

/** In the one spelling that times are compared in, whatever the zone that it was written with. @throws BackupError `usage`. */
function momentOf(scenario: Scenario, at: string): string {
  const looksBack = scenario === 'operator-error' || scenario === 'ransomware';
  if (looksBack && Date.parse(at) <= Date.now()) return new Date(at).toISOString();
  const why = looksBack ? `${at} is still to come` : `${scenario} happens when it is declared, and not at ${at}`;
  throw new BackupError('usage', why, {
    remedy: 'Leave "at" (--at) out; it is the moment of the mistake or the attack in operator-error and ransomware.',
  });
}

function stepOf(site: Site, { name: source, after }: RecoverySource): DrillStep {
  const { type, objectives } = sourceConfig(site, source);
  return {
    source,
    type,
    after,
    objectives: { rpo: objectives?.rpo ?? null, rto: objectives?.rto ?? null },
  };
}

/** Each time the next one, by the months in which drills are due: the same time always has the same. */
function scenarioInTurn({ plans, timeZone }: SiteConfig, scheduled: string): Scenario {
  const { scenarios, months } = plans.drill;
  const [year, month] = yearAndMonth(scheduled, timeZone);
  const own = [...new Set(months)];
  // One that was started by hand, in another month, counts with those before it.
  const turn = year * own.length + own.filter((one) => one <= month).length - 1;
  return scenarios[turn % scenarios.length] ?? 'host-lost';
}

/** As the calendar of the site has it: shortly before midnight elsewhere it may be another month. */
function yearAndMonth(scheduled: string, timeZone: string): readonly [year: number, month: number] {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: 'numeric' }).formatToParts(
    new Date(scheduled),
  );
  const numberOf = (type: 'year' | 'month') => Number(parts.find((part) => part.type === type)?.value);
  return [numberOf('year'), numberOf('month')];
}
