/** The `destinations` of a config. */
import { z } from 'zod';
import { common } from './destinations/common.ts';
import { reachOfRsync, rsyncDestination } from './destinations/rsync.ts';
import { reachOfS3, s3Destination } from './destinations/s3.ts';
import { absolutePath } from './fields.ts';

export const directoryDestination = z.strictObject({
  type: z.literal('directory'),
  ...common,
  path: absolutePath.describe('a folder, best on another device: a mounted disk or network share'),
});
export type DirectoryDestination = z.output<typeof directoryDestination>;

export const destinationConfig = z.discriminatedUnion('type', [directoryDestination, rsyncDestination, s3Destination]);
export type DestinationConfig = z.output<typeof destinationConfig>;

/** Where a destination is, for people: the recovery kit, and messages. */
export function reachOf(config: DestinationConfig): string {
  if (config.type === 'rsync') return reachOfRsync(config);
  if (config.type === 's3') return reachOfS3(config);
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
