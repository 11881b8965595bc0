/** What every destination says about itself, whatever its type. */
import { z } from 'zod';
import { TIERS } from '../../source.ts';
import { duration } from '../../units.ts';
import { copyWindow } from '../windows.ts';
import { retentionClass } from '../retention.ts';

/** Copies of runs that go to one destination at once from one host. */
export const DEFAULT_COPIES = 4;

export const common = {
  tiers: z
    .array(z.enum(TIERS))
    .min(1)
    .optional()
    .describe('only backups of these tiers are copied here; all when absent'),
  access: z
    .string()
    .min(1)
    .optional()
    .describe(
      'for the recovery kit: how it is reached when all machines are gone; read-only credentials, or where they lie',
    ),
  retention: retentionClass,
  offsite: z.boolean().optional().describe('whether this copy survives the loss of the site'),
  windows: z
    .array(copyWindow)
    .min(1)
    .optional()
    .describe('backups are copied here at these times of day only; logs and small records at any time'),
  copies: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(`copies of runs that go there at once from one host; the others wait for their turn: ${DEFAULT_COPIES}`),
  alertAfter: duration
    .optional()
    .describe('copies that are owed for so long are an alert: 1d; 7d for a removable disk'),
};
