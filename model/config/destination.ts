/** The `destinations` of a config. */
import { z } from 'zod';
import { TIERS } from '../source.ts';
import { absolutePath } from './fields.ts';

const common = {
  tiers: z
    .array(z.enum(TIERS))
    .min(1)
    .optional()
    .describe('only backups of these tiers are copied here; all when absent'),
  offsite: z.boolean().optional().describe('whether this copy survives the loss of the site'),
};

export const directoryDestination = z.strictObject({
  type: z.literal('directory'),
  ...common,
  path: absolutePath.describe('a folder, best on another device: a mounted disk or network share'),
});
export type DirectoryDestination = z.output<typeof directoryDestination>;

export const destinationConfig = z.discriminatedUnion('type', [directoryDestination]);
export type DestinationConfig = z.output<typeof destinationConfig>;
