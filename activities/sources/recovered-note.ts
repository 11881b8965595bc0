/**
 * When the last transaction was committed that a recovery has replayed: an engine says so once, as it replays, and forgets
 * it with its log. So it is noted in what was restored, and read again whenever that is served.
 */
import { chown, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Manifest } from '../../model/manifest.ts';
import { ifThere } from '../storage/fs-errors.ts';
import type { ServerUser } from './private-server/user.ts';

const FILE = 'mosaic-recovered.json';

/** Of a server that was itself restored from a backup, the next backup may hold its note: it is not about that one. */
const note = z.object({ source: z.string(), backup: z.string(), lastCommit: z.iso.datetime().nullable() });

type Of = Pick<Manifest, 'source' | 'id'>;

/**
 * Notes a time (RFC 3339) in a data folder, or that none was told, for the first recovery of it alone: what is replayed
 * later is what was written to the restored server itself.
 * @param user who owns the folder: a server reads all that is in it when it is backed up.
 */
export async function noteLastCommit(
  data: string,
  of: Of,
  lastCommit: string | null,
  user: ServerUser | undefined,
): Promise<void> {
  if ((await read(data, of)) !== undefined) return;
  const [file, temporary] = [path.join(data, FILE), path.join(data, `${FILE}.new`)];
  const text = JSON.stringify({ source: of.source, backup: of.id, lastCommit } satisfies z.input<typeof note>);
  await writeFile(temporary, `${text}\n`, { mode: 0o600 });
  if (user) await chown(temporary, user.uid, user.gid);
  await rename(temporary, file);
}

/** Undefined where nothing was noted, or of another backup. */
export async function notedLastCommit(data: string, of: Of): Promise<string | undefined> {
  return (await read(data, of))?.lastCommit ?? undefined;
}

async function read(data: string, { source, id }: Of): Promise<z.output<typeof note> | undefined> {
  const text = await ifThere(readFile(path.join(data, FILE), 'utf8'));
  if (text === undefined) return undefined;
  const found = note.safeParse(parsed(text)).data;
  return found?.source === source && found.backup === id ? found : undefined;
}

/** It came with a backup, so whatever it holds is data from outside. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
