/** The steps of a rotation of keys, as activities: parse, call, report. None of them is sent a secret, or gives one back. */
import type { z } from 'zod';
import { rotationInput, rotationPage, rotationProof } from '../model/received.ts';
import type { PageResult, RotationInput, RotationProof, RotationSpec } from '../model/rotation.ts';
import { received, runStep } from './activity-work.ts';
import { rotatePage } from './operations/keys/page.ts';
import { planRotation } from './operations/keys/plan-rotation.ts';
import { proveRotation } from './operations/keys/prove.ts';
import type { Site } from './site.ts';

export interface RotationActivities {
  planRotation(input: RotationInput): Promise<RotationSpec>;
  rotatePage(input: z.input<typeof rotationPage>): Promise<PageResult>;
  proveRotation(input: z.input<typeof rotationProof>): Promise<readonly RotationProof[]>;
}

/** @param openSite reads the config anew: a change of recipients meanwhile ends the rotation. */
export function rotationActivities(openSite: () => Promise<Site>): RotationActivities {
  return {
    planRotation: (sent) => {
      const input = received(rotationInput, sent);
      return runStep({}, async () => planRotation(await openSite(), input));
    },
    rotatePage: (sent) => {
      const { waits, ...page } = received(rotationPage, sent);
      return runStep({ waits }, async (work) => rotatePage({ ...page, site: await openSite(), work }));
    },
    proveRotation: (sent) => {
      const { waits, ...proof } = received(rotationProof, sent);
      return runStep({ waits }, async (work) => proveRotation({ ...proof, site: await openSite(), work }));
    },
  };
}
