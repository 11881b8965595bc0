/** The `destinations` of a config. */
import { z } from 'zod';
import { TIERS } from '../source.ts';
import { absolutePath } from './fields.ts';
import { retentionClass } from './retention.ts';

const common = {
  tiers: z
    .array(z.enum(TIERS))
    .min(1)
    .optional()
    .describe('only backups of these tiers are copied here; all when absent'),
  retention: retentionClass,
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

/** Where a destination is, for people: the recovery kit, and messages. */
export function reachOf(config: DestinationConfig): string {
  return `${config.path} (${config.type})`;
}

/** The destinations that are folders of this machine. */
export function destinationFolders({
  destinations,
}: {
  readonly destinations: Readonly<Record<string, DestinationConfig>>;
}): readonly { readonly name: string; readonly folder: string }[] {
  return Object.entries(destinations).flatMap(([name, config]) =>
    config.type === 'directory' ? [{ name, folder: config.path }] : [],
  );
}
