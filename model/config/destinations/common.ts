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
  retention: retentionClass,
  offsite: z.boolean().optional().describe('whether this copy survives the loss of the site'),
};
