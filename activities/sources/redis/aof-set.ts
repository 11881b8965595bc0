/**
 * The append-only files of a running server, held as one consistent set.
 *
 * Redis' own advice is to turn rewrites off while the files are copied (auto-aof-rewrite-percentage 0), which takes
 * the right to CONFIG SET: an ACL cannot limit that to one parameter, a rewrite that somebody asks for comes all the
 * same, and a worker that dies leaves the setting changed. None of it is needed here: the files are opened between two
 * looks at the manifest that say the same, and an open file stays as it is when a rewrite removes its name. Sequence
 * numbers are never used twice, so the same manifest means the same files.
 */
import { stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BackupError } from '../../../model/errors.ts';
import { isErrno } from '../../streams/errno.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { formatManifest, parseManifest, type ManifestEntry } from './aof-manifest.ts';
import { openHeld } from './descriptor.ts';
import type { Names } from './facts.ts';

export interface HeldFile extends ManifestEntry {
  readonly handle: FileHandle;
  /** Of the last one: at the time of holding. It grows on. */
  readonly bytes: number;
}

export interface HeldSet {
  readonly files: readonly HeldFile[];
  /** Idempotent. */
  release(): Promise<void>;
}

/** Milliseconds in which rewrites may come one after the other. */
const PATIENCE = 60_000;
const PAUSE = 20;

/** Holds the set as it is now. The caller releases it. */
export async function holdSet(folder: string, names: Names, signal: AbortSignal): Promise<HeldSet> {
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await wait(PAUSE)) {
    stopIfCancelled(signal);
    const held = await tryToHold(path.join(folder, names.appenddirname), names.appendfilename);
    if (held) return held;
  }
  throw new BackupError('busy', 'The append-only files were rewritten each time they were looked at.', {
    remedy: 'Look who asks for BGREWRITEAOF that often; it is tried again.',
  });
}

async function tryToHold(folder: string, appendfilename: string): Promise<HeldSet | undefined> {
  await requireBegun(folder, appendfilename);
  const file = path.join(folder, `${appendfilename}.manifest`);
  const before = await readSet(file);
  const handles: FileHandle[] = [];
  const release = async () => void (await Promise.all(handles.splice(0).map((handle) => handle.close())));
  try {
    for (const { name } of before) handles.push(await openHeld(path.join(folder, name)));
    const after = await readSet(file);
    if (formatManifest(after) !== formatManifest(before)) throw new Changed();
    const files: HeldFile[] = [];
    for (const [index, entry] of before.entries()) {
      const handle = handles[index];
      if (handle) files.push({ ...entry, handle, bytes: (await handle.stat()).size });
    }
    return { files, release };
  } catch (error) {
    await release();
    // A file that the manifest named is gone, or the manifest is another one: a rewrite has just ended.
    if (error instanceof Changed || isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

class Changed extends Error {}

async function readSet(file: string): Promise<readonly ManifestEntry[]> {
  const handle = await openHeld(file).catch((error: unknown) => {
    throw isErrno(error, 'ENOENT') ? lacking(file) : error;
  });
  try {
    return parseManifest(await handle.readFile('utf8'));
  } finally {
    await handle.close();
  }
}

/**
 * From "CONFIG SET appendonly yes" until its first rewrite ends, the server writes to a file that no manifest names,
 * and the manifest there is, if any, is of the time before it was turned off.
 */
async function requireBegun(folder: string, appendfilename: string): Promise<void> {
  const temporary = path.join(folder, `temp-${appendfilename}.incr`);
  try {
    await stat(temporary);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  throw new BackupError('busy', 'The append-only file was turned on just now, and its first rewrite has not ended.', {
    remedy: `It is tried again. If no rewrite is under way, ${temporary} is left from an earlier one: remove it.`,
    facts: { file: temporary },
  });
}

function lacking(file: string): BackupError {
  return new BackupError('config', `The server keeps an append-only file, but ${file} is not there.`, {
    remedy:
      'Set "folder" to the data folder of this server (redis-cli CONFIG GET dir) and "names" to its names (CONFIG GET appenddirname appendfilename).',
    facts: { file },
  });
}
