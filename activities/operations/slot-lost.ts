/**
 * That a server kept logs for a source no longer. It is noted in state before what held them is made anew, so that the
 * alert comes also where no log is missing in the end, or the shipping fails behind it.
 */
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../site.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';

const note = z.looseObject({
  why: z.string(),
  /** The tick that found it, and tells of it. */
  run: z.string(),
});

interface Of {
  readonly site: Site;
  readonly source: string;
  readonly runId: string;
}

export function noteSlotLost(of: Of, why: string): Promise<void> {
  return writeMemoryFile(fileOf(of), { why, run: of.runId });
}

/** Why it was lost, where this tick found it so; a later attempt of the same tick says it again. */
export async function slotLostIn(of: Of): Promise<string | null> {
  const found = await readMemoryFile(fileOf(of), note);
  return found?.run === of.runId ? found.why : null;
}

function fileOf({ site, source }: Of): string {
  return path.join(site.state, 'sources', source, 'slot-lost.json');
}
