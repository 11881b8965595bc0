/** Logs that no shipping copies: of sources whose shipping was switched off, and of those that the config no longer has. */
import { readdir } from 'node:fs/promises';
import type { Site } from '../../site.ts';
import { ifThere, translated } from '../../storage/fs-errors.ts';
import type { LocalStore } from '../../storage/types.ts';
import { takesLogs } from '../owed-to.ts';
import { sourcesWithLogs } from '../plan-logs.ts';

/** Names of sources; none where the destination takes no logs. */
export async function orphanedLogs(site: Site, from: LocalStore, destination: string): Promise<readonly string[]> {
  if (!takesLogs(site, destination)) return [];
  const folder = from.file('logs');
  const found = await translated(folder, 'listing', () => ifThere(readdir(folder, { withFileTypes: true })));
  if (found === undefined) await from.there?.();
  const shipped = new Set(sourcesWithLogs(site));
  return (found ?? []).filter((entry) => entry.isDirectory() && !shipped.has(entry.name)).map(({ name }) => name);
}
