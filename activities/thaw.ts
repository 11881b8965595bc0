/** The steps of a thaw, as activities of the coordinator: it reaches every destination. */
import type { z } from 'zod';
import { thawInput, thawReport, thawWaits } from '../model/received-thaw.ts';
import type { StepError } from '../model/run.ts';
import type { ThawFacts, ThawInput, ThawReport } from '../model/thaw.ts';
import { received, runStep } from './activity-work.ts';
import { thawStep } from './operations/thaw/step.ts';
import { tellThaw } from './operations/thaw/tell.ts';
import type { Site } from './site.ts';

export interface ThawActivities {
  /** Asks for what is frozen, and says how things stand. */
  thaw(input: ThawInput & { readonly waits: z.input<typeof thawWaits> }): Promise<ThawFacts>;
  /** @returns the notifiers that failed. */
  tellThaw(report: ThawReport): Promise<readonly StepError[]>;
}

/** @param openSite reads the config anew. */
export function thawActivities(openSite: () => Promise<Site>): ThawActivities {
  return {
    thaw: (sent) => {
      const { waits, ...input } = received(thawInput, sent);
      return runStep({ waits }, async (work) => thawStep({ site: await openSite(), input, work }));
    },
    tellThaw: (sent) => {
      const report = received(thawReport, sent);
      return runStep({}, async (work) => tellThaw({ site: await openSite(), report, work }));
    },
  };
}
