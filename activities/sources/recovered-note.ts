/**
 * When the last transaction was committed that a recovery has replayed: an engine says so once, as it replays, and forgets
 * it with its log. So a restore notes it in what it makes, and it is read again whenever that is served.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Manifest } from '../../model/manifest.ts';
import { ifThere } from '../storage/fs-errors.ts';

const FILE = 'mosaic-recovered.json';

/** Of a server that was itself restored from a backup, the next backup may hold its note: it is not about that one. */
const note = z.object({ source: z.string(), backup: z.string(), lastCommit: z.iso.datetime() });

type Of = Pick<Manifest, 'source' | 'id'>;

/**
 * Notes a time (RFC 3339) in a data folder that a restore has not promoted yet. The restore gives the file to the owner of
 * the folder with all the rest: a server reads all that is in it when it is backed up.
 */
export async function noteLastCommit(data: string, { source, id }: Of, lastCommit: string): Promise<void> {
  const text = JSON.stringify({ source, backup: id, lastCommit } satisfies z.input<typeof note>);
  await writeFile(path.join(data, FILE), `${text}\n`, { mode: 0o600 });
}

/** Undefined where nothing was noted, or of another backup. */
export async function notedLastCommit(data: string, { source, id }: Of): Promise<string | undefined> {
  const text = await ifThere(readFile(path.join(data, FILE), 'utf8'));
  if (text === undefined) return undefined;
  const found = note.safeParse(parsed(text)).data;
  return found?.source === source && found.backup === id ? found.lastCommit : undefined;
}

/** It may have come with a backup, so whatever it holds is data from outside. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
