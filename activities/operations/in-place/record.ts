/** Restores in place that were finished: since when backups count, and where old data still lie; and workflows' that were taken back. In state. */
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
  /** As in the journal. */
  run: z.string().nullable().optional(),
  /** Folders of old data, never removed by themselves. */
  kept: z.array(z.string()),
});
export type Restored = z.infer<typeof restored>;

/** One of a workflow that went back, and why: that workflow must not begin again by itself. */
const back = z.looseObject({ run: z.string(), why: z.string() });

const record = z.looseObject({ restores: z.array(restored), back: back.nullable().optional() });

type Of = Readonly<{ site: Site; source: string }>;

/** All that are known, the oldest first. */
export async function restoresInPlace(of: Of): Promise<readonly Restored[]> {
  return (await readMemoryFile(fileOf(of), record))?.restores ?? [];
}

/** RFC 3339: when the newest that is known was made; null where there was none. */
export async function lastRestored(of: Of): Promise<string | null> {
  return (await restoresInPlace(of)).at(-1)?.at ?? null;
}

/** Done twice for the same moment it is noted once. Those whose old data are gone are forgotten, but for the newest. */
export async function noteRestored(of: Of, made: Restored): Promise<void> {
  const earlier = (await restoresInPlace(of)).filter(({ at }) => at !== made.at);
  const kept: Restored[] = [];
  for (const each of earlier) {
    const there = await stillThere(each);
    if (there.length > 0) kept.push({ ...each, kept: [...there] });
  }
  await write(of, { restores: [...kept, made] });
}

/** Why the one of that workflow was taken back; undefined where it was not. */
export async function wentBack(of: Of, run: string): Promise<string | undefined> {
  const found = (await readMemoryFile(fileOf(of), record))?.back;
  return found?.run === run ? found.why : undefined;
}

export async function noteBack(of: Of, run: string, why: string): Promise<void> {
  await write(of, { back: { run, why } });
}

async function write(of: Of, change: Partial<z.infer<typeof record>>): Promise<void> {
  const before = (await readMemoryFile(fileOf(of), record)) ?? { restores: [] };
  await writeMemoryFile(fileOf(of), { ...before, ...change });
}

/** Of the folders that it kept, those that nobody has removed. */
export async function stillThere({ kept }: Restored): Promise<readonly string[]> {
  const found = await Promise.all(kept.map((folder) => ifThere(stat(folder))));
  return kept.filter((_folder, index) => found[index] !== undefined);
}

function fileOf({ site, source }: Of): string {
  return path.join(site.state, 'sources', source, 'restored-in-place.json');
}
