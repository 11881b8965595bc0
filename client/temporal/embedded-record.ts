/** The record that a running embedded server leaves in state, so that other commands find it. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { holder, isAlive } from '../../activities/storage/holder.ts';

const record = z.object({
  address: z.string(),
  namespace: z.string(),
  ui: z.string(),
  /** The process that owns the server: the server dies with it. */
  owner: holder,
});
export type EmbeddedRecord = z.infer<typeof record>;

/** The record of a server whose owner lives; undefined otherwise. */
export async function readEmbedded(state: string): Promise<EmbeddedRecord | undefined> {
  let text: string;
  try {
    text = await readFile(recordFile(state), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = record.safeParse(parseJson(text));
  // In another container of the same boot nothing can be said of the owner: then the address decides, when it is used.
  return parsed.success && (await isAlive(parsed.data.owner)) !== false ? parsed.data : undefined;
}

export async function writeEmbedded(state: string, value: EmbeddedRecord): Promise<void> {
  const temporary = `${recordFile(state)}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(value), { mode: 0o600 });
  await rename(temporary, recordFile(state));
}

export async function removeEmbedded(state: string): Promise<void> {
  await rm(recordFile(state), { force: true });
}

function recordFile(state: string): string {
  return path.join(state, 'temporal.json');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Half-written by a machine that lost power: the same as none.
    return undefined;
  }
}
