/** What a drill is to do, read from the config. */
import { coordinatorOf } from '../../../model/config/hosts.ts';
import type { DrillAsked, DrillSpec, DrillStep, Scenario } from '../../../model/drill/drill.ts';
import { BackupError } from '../../../model/errors.ts';
import { runId } from '../../../model/run.ts';
import { scheduledTime } from '../../../model/time.ts';
import type { Site } from '../../site.ts';
import { sourceConfig } from '../source-config.ts';

/** @throws BackupError `config` when the site is another; `refused` for a game day where there is none; `not-found` for a source that there is not. */
export function planDrill(site: Site, input: DrillAsked & { readonly scheduled: string }): DrillSpec {
  const { config, file } = site;
  if (input.site !== config.site) {
    throw new BackupError('config', `this worker serves the site "${config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${file}.`,
    });
  }
  const { drill } = config.plans;
  const { retryFirst, retryMax, heartbeat, standstill, deadline, alertAfter, remindAfter } = drill;
  const names = [...new Set(input.sources ?? drill.sources ?? Object.keys(config.sources))];
  const timed = input.timed === true;
  const manual = input.manual ?? drill.manual;
  return {
    runId: runId(input.plan, input.scheduled),
    site: config.site,
    plan: input.plan,
    scheduled: scheduledTime(input.scheduled),
    scenario: input.scenario ?? scenarioInTurn(drill.scenarios, input.scheduled),
    host: drill.host ?? coordinatorOf(config),
    steps: inOrder(names.map((source) => stepOf(site, source, names))),
    objectives: { rpo: drill.objectives.rpo ?? null, rto: drill.objectives.rto ?? null },
    manual: isGameDay(site, input) ? [...new Set([...manual, 'tear-down' as const])] : manual,
    at: input.at ?? null,
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

function stepOf(site: Site, source: string, names: readonly string[]): DrillStep {
  const { type, after = [], objectives } = sourceConfig(site, source);
  return {
    source,
    type,
    after: after.filter((other) => names.includes(other)),
    objectives: { rpo: objectives?.rpo ?? null, rto: objectives?.rto ?? null },
  };
}

/** Those first on which others wait; the config has no circles. */
function inOrder(steps: readonly DrillStep[]): readonly DrillStep[] {
  const ordered: DrillStep[] = [];
  let rest = steps;
  while (rest.length > 0) {
    const ready = rest.filter(({ after }) => after.every((other) => ordered.some(({ source }) => source === other)));
    if (ready.length === 0) return [...ordered, ...rest];
    ordered.push(...ready);
    rest = rest.filter((step) => !ready.includes(step));
  }
  return ordered;
}

/** Each quarter the next one: the same time always has the same. */
function scenarioInTurn(scenarios: readonly Scenario[], scheduled: string): Scenario {
  const time = new Date(scheduled);
  const quarter = time.getUTCFullYear() * 4 + Math.floor(time.getUTCMonth() / 3);
  return scenarios[quarter % scenarios.length] ?? 'host-lost';
}
