/** Restores in place that were finished: since when backups count, and where old data still lie. In state, to be shown. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../../site.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../../storage/memory-file.ts';

const restored = z.looseObject({
  /** RFC 3339: the server runs on what was restored since then. */
  at: z.string(),
  reference: z.string(),
  target: z.string().nullable(),
  /** Folders of old data, never removed by themselves. */
  kept: z.array(z.string()),
});
export type Restored = z.infer<typeof restored>;

const record = z.looseObject({ restores: z.array(restored) });

type Of = Readonly<{ site: Site; source: string }>;

/** All that are known, the oldest first. */
export async function restoresInPlace(of: Of): Promise<readonly Restored[]> {
  return (await readMemoryFile(fileOf(of), record))?.restores ?? [];
}

/** Done twice for the same moment it is noted once. Those whose old data are gone are forgotten, but for the newest. */
export async function noteRestored(of: Of, made: Restored): Promise<void> {
  const earlier = (await restoresInPlace(of)).filter(({ at }) => at !== made.at);
  const kept: Restored[] = [];
  for (const each of earlier) {
    const there = await stillThere(each);
    if (there.length > 0) kept.push({ ...each, kept: [...there] });
  }
  await writeMemoryFile(fileOf(of), { restores: [...kept, made] });
}

/** Of the folders that it kept, those that nobody has removed. */
export async function stillThere({ kept }: Restored): Promise<readonly string[]> {
  const found = await Promise.all(kept.map((folder) => ifThere(stat(folder))));
  return kept.filter((_folder, index) => found[index] !== undefined);
}

function fileOf({ site, source }: Of): string {
  return path.join(site.state, 'sources', source, 'restored-in-place.json');
}
