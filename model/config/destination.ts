/** The `destinations` of a config. */
import { z } from 'zod';
import { common } from './destinations/common.ts';
import { glacierDestination, reachOfGlacier } from './destinations/glacier.ts';
import { reachOfRsync, rsyncDestination } from './destinations/rsync.ts';
import { reachOfS3, s3Destination } from './destinations/s3.ts';
import { absolutePath } from './fields.ts';

const DAY = 86_400_000;

export const directoryDestination = z.strictObject({
  type: z.literal('directory'),
  ...common,
  path: absolutePath.describe('a folder, best on another device: a mounted disk or network share'),
  removable: z
    .boolean()
    .optional()
    .describe('a disk that is sometimes absent: runs are complete without it, and it is served when it is back'),
});
export type DirectoryDestination = z.output<typeof directoryDestination>;

export const destinationConfig = z.discriminatedUnion('type', [
  directoryDestination,
  glacierDestination,
  rsyncDestination,
  s3Destination,
]);
export type DestinationConfig = z.output<typeof destinationConfig>;

/** A disk that may be absent: no run fails by it. */
export function isRemovable(config: DestinationConfig): boolean {
  return config.type === 'directory' && config.removable === true;
}

/** Under Object Lock what was written stays, whoever overwrites or deletes it. */
export function isLocked(config: DestinationConfig | undefined): boolean {
  return config?.type === 's3' && config.lock !== undefined;
}

/** Milliseconds that copies may be owed before somebody is told. */
export function alertAfterOf(config: DestinationConfig): number {
  return config.alertAfter ?? (isRemovable(config) ? 7 * DAY : DAY);
}

/** Where a destination is, for people: the recovery kit, and messages. */
export function reachOf(config: DestinationConfig): string {
  if (config.type === 'rsync') return reachOfRsync(config);
  if (config.type === 's3') return reachOfS3(config);
  if (config.type === 'glacier') return reachOfGlacier(config);
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
