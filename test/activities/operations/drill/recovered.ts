/** A source that was captured and recovered in the sandbox of a drill, as far as its server is concerned. */
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { planDrill } from '../../../../activities/operations/drill/plan.ts';
import { makeSandbox, sandboxOf } from '../../../../activities/operations/drill/sandbox.ts';
import { restoreDrilled } from '../../../../activities/operations/drill/restore.ts';
import type { ServiceRequest } from '../../../../activities/operations/drill/services.ts';
import { ownCommand } from '../../../../client/cli/own-command.ts';
import type { Site } from '../../../../activities/site.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import { testWork } from '../../../support/work.ts';

/** Captures it, and recovers it from the repository. @param at milliseconds since the epoch, of the drill. */
export async function recovered(site: Site, source: string, at = Date.now()): Promise<ServiceRequest> {
  const work = testWork();
  const scheduled = wholeSeconds(at);
  const capture = { tier: 'daily', runId: `daily-${scheduled}`, scheduled, attempt: 1, busy: 0 } as const;
  const { backup } = await captureBackup({ site, source, ...capture, work });
  const asked = { site: site.config.site, plan: 'drill', scheduled, scenario: 'operator-error' } as const;
  const { runId, scenario, host, steps, waits } = planDrill(site, { ...asked, sources: [source] });
  const input = { runId, scenario, host, steps, waits, declared: scheduled, at: null };
  const from = { place: null, others: [], at: null, stale: false, bytes: 0, expected: null } as const;
  const request = { site, input, chosen: { source, backup, taken: scheduled, ...from }, work };
  await makeSandbox(site, input);
  await restoreDrilled({ ...request, commandLine: ownCommand });
  return request;
}

/** The folder of its sandbox. */
export function folderOf({ site, input }: ServiceRequest): string {
  return sandboxOf(site, input).folder;
}
