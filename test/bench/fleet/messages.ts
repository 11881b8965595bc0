/** What the bench and the process of its workers tell each other. */
import { z } from 'zod';
import type { Waits } from '../../../model/run.ts';

export const fleet = z.strictObject({
  /** Of Temporal. */
  address: z.string(),
  site: z.string(),
  hosts: z.number().int().positive(),
  /** Of each host. */
  sources: z.number().int().positive(),
});
export type Fleet = z.output<typeof fleet>;

/** As the config has them. */
export const DEFAULT_WAITS: Waits = {
  captureDeadline: 7_200_000,
  copyDeadline: 3_600_000,
  verifyDeadline: 3_600_000,
  retryFirst: 5_000,
  retryMax: 300_000,
  heartbeat: 30_000,
  standstill: 600_000,
  busy: 600_000,
  alertAfter: 60_000,
  remindAfter: 3_600_000,
};
