/** A small signed record of the whole site goes to every destination at once: recovery points, drills. */
import type { Site } from '../site.ts';
import { openDestination } from '../storage/destinations.ts';
import type { Keeping } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { isAbsence } from './plan-run.ts';

export interface DeliverSmallRequest {
  readonly site: Site;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** As warnings name it: `the recovery point`. */
  readonly what: string;
  /** How long it is to stay at a destination; absent: nothing locks it. */
  readonly keeping?: (destination: string) => Keeping;
  readonly work: Work;
}

/** @returns a warning for each destination that did not take it: catch-up delivers it there. */
export async function deliverSmall(request: DeliverSmallRequest): Promise<readonly string[]> {
  const { site, key, bytes, what, keeping, work } = request;
  const warnings: string[] = [];
  for (const name of Object.keys(site.config.destinations)) {
    try {
      await openDestination(name, site).putSmall(key, bytes, { replace: true, ...keeping?.(name) });
    } catch (error) {
      // Catch-up delivers it when the disk is back.
      if (isAbsence(site, name, error)) continue;
      const message = `${what} could not be copied to ${name}: ${error instanceof Error ? error.message : String(error)}`;
      work.log.warn({ destination: name, key }, message);
      warnings.push(message);
    }
  }
  return warnings;
}
