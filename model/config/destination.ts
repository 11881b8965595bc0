/** The `destinations` of a config. */
import { z } from 'zod';
import { TIERS } from '../source.ts';

const common = {
  /** Only backups of these tiers are copied here; all when absent. */
  tiers: z.array(z.enum(TIERS)).min(1).optional(),
  /** Whether this copy survives the loss of the site. */
  offsite: z.boolean().optional(),
};

export const directoryDestination = z.strictObject({
  type: z.literal('directory'),
  ...common,
  path: z.string().startsWith('/', 'a path starts at the root'),
});
export type DirectoryDestination = z.output<typeof directoryDestination>;

export const destinationConfig = z.discriminatedUnion('type', [directoryDestination]);
export type DestinationConfig = z.output<typeof destinationConfig>;
