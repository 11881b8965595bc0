/** Hooks before a source or a plan that were run on this host, while those after have not ended: what they have stopped may stand still. */
import { hooksNote, openHooks, plansWithHooks, type OpenHooks } from '../../activities/operations/open-hooks.ts';
import type { Site } from '../../activities/site.ts';
import { heldLease } from '../../activities/storage/lease.ts';
import { hostOf } from '../../model/config/hosts.ts';
import type { Finding } from '../../model/finding.ts';
import { backupPlan } from '../../model/plans.ts';

export interface LeftOpen {
  /** Unique in its site. */
  readonly key: string;
  /** Null: they are those of a plan. Whether its run goes on Temporal alone knows: they are open for as long as that does. */
  readonly source: string | null;
  readonly run: string;
  readonly message: string;
  readonly remedy: string;
}

/** Those that are open for so long as counts as unfinished. @param now milliseconds since the epoch. */
export async function hooksLeftOpen(site: Site, now: number): Promise<readonly LeftOpen[]> {
  const own = Object.keys(site.config.sources).filter((source) => hostOf(site.config, source) === site.host);
  const plans = await plansWithHooks({ site });
  const found = await Promise.all([
    ...own.map((source) => ofSource(site, source, now)),
    ...plans.map((plan) => ofPlan(site, plan, now)),
  ]);
  return found.filter((one) => one !== null);
}

/** For `status`, which asks no Temporal. */
export async function openHooksFindings(site: Site, now: number): Promise<readonly Finding[]> {
  return (await hooksLeftOpen(site, now)).map(({ source, run, message, remedy }) => ({
    code: 'hooks.open',
    severity: source === null ? 'warning' : 'error',
    message,
    remedy:
      source === null
        ? `While ${run} goes on (mosaic-backup runs show ${run}) that is as it is to be. Else: ${remedy}`
        : remedy,
    subject: source ?? 'plans',
  }));
}

async function ofSource(site: Site, source: string, now: number): Promise<LeftOpen | null> {
  const open = await openHooks({ site, source });
  if (!open || !isOld(site, open, now)) return null;
  // While a capture is at work they are to be open.
  const lease = await heldLease(site.state, source);
  if (lease && !lease.dead) return null;
  return {
    key: `${source}/hooks`,
    source,
    run: open.run,
    message: `${source}: ${notEnded(open)}`,
    remedy: `Do by hand what sources.${source}.hooks.after does; then mosaic-backup run daily --source ${source}, which runs them again. mosaic-backup runs show ${open.run} says what became of that run.`,
  };
}

async function ofPlan(site: Site, plan: string, now: number): Promise<LeftOpen | null> {
  const open = await openHooks({ site, plan });
  if (!open || !isOld(site, open, now)) return null;
  const again = backupPlan(site.config, plan)
    ? `then mosaic-backup run ${plan}, which runs them again`
    : `that plan is none of the config any more, so then: rm ${hooksNote({ site, plan })}`;
  return {
    key: `plans/${plan}/hooks`,
    source: null,
    run: open.run,
    message: `the plan ${plan}: ${notEnded(open)}`,
    remedy: `Do by hand what the hooks after of the plan ${plan} do; ${again}.`,
  };
}

function isOld({ config }: Site, { since }: OpenHooks, now: number): boolean {
  return now - Date.parse(since) >= config.watchdog.unfinishedAfter;
}

function notEnded({ run, since }: OpenHooks): string {
  return `its hooks before were run by ${run} at ${since}, and those after have not ended since: what they have stopped may stand still.`;
}
