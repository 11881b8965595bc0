/** What every destination says about itself, whatever its type. */
import { z } from 'zod';
import { TIERS } from '../../source.ts';
import { retentionClass } from '../retention.ts';

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
};
