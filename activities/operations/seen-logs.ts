/**
 * Which logs of a source were seen in the repository, in state: four weeks of them are eight thousand backups, and no tick
 * may read them all. Lost, all are read again, a part each tick, and what was gone before is known by the holes alone.
 */
import path from 'node:path';
import { z } from 'zod';
import { manifest } from '../../model/manifest.ts';
import type { Site } from '../site.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';

const seenDay = z.looseObject({
  /** Digest of the names of its logs. */
  names: z.string(),
  /** Milliseconds since the epoch: when their manifests were read last. */
  read: z.number(),
  /** Those without a hole between them as one. */
  runs: z.array(manifest),
});
export type SeenDay = z.infer<typeof seenDay>;

const memory = z.looseObject({
  days: z.record(z.string(), seenDay),
  /** All that was ever seen, as if nothing were missing. */
  whole: z.array(manifest),
  /** Milliseconds since the epoch: what was logged before may have been deleted by retention. */
  begins: z.number().optional(),
});
export type SeenLogs = z.infer<typeof memory>;

interface Of {
  readonly site: Site;
  readonly source: string;
}

export async function readSeenLogs(of: Of): Promise<SeenLogs> {
  return (await readMemoryFile(fileOf(of), memory)) ?? { days: {}, whole: [] };
}

export function writeSeenLogs(of: Of, value: SeenLogs): Promise<void> {
  return writeMemoryFile(fileOf(of), value);
}

function fileOf({ site, source }: Of): string {
  return path.join(site.state, 'sources', source, 'seen-logs.json');
}
