/**
 * The append-only files as they are: base, increments and manifest, each an artifact. They hold all that the server
 * has answered for, to the last write; with timestamps in them (aof-timestamp-enabled), each second since the base.
 */
import type { FileHandle } from 'node:fs/promises';
import { BackupError } from '../../../model/errors.ts';
import { formatManifest } from './aof-manifest.ts';
import { holdSet, type HeldFile } from './aof-set.ts';
import { readHeld } from './descriptor.ts';
import { gatherInfo } from './facts.ts';
import { requireFolder } from './folder.ts';
import { windowBetween } from './inventory.ts';
import { rfc3339, type AofFile, type Position } from './position.ts';
import type { Info, Taken, Taking } from './taken.ts';

export async function takeAof({ context, asking, facts, names }: Taking): Promise<Taken> {
  const { artifacts, config, work } = context;
  const folder = requireFolder(config, facts.settings);
  const before = await gatherInfo(asking);
  if (!before.persistence.aof) {
    throw new BackupError('failed', 'The server has stopped to keep an append-only file.', {
      remedy: 'redis-cli CONFIG SET appendonly yes; or choose method: stream.',
    });
  }
  const held = await holdSet(folder, names, work.signal);
  try {
    // The files are those of this very moment; what is read of them later was there by now.
    const after = await gatherInfo(asking);
    const times = await timesOf(held.files, before);
    const files: AofFile[] = [];
    for (const [index, { handle, bytes, name, type }] of held.files.entries()) {
      const artifact = `${String(index).padStart(4, '0')}.${type}.aof`;
      await artifacts.stream(readHeld(handle, bytes), { role: type, name: artifact, minPlainBytes: bytes });
      files.push({ artifact, name, type, bytes });
    }
    const manifest = formatManifest(held.files).trimEnd().split('\n');
    await artifacts.lines(manifest, { role: 'manifest', name: 'manifest', minPlainBytes: 1 });
    return {
      counted: before,
      window: windowBetween(before, after),
      position: {
        why: times.every
          ? 'the append-only files: to the last write, and to each second since their base'
          : 'the append-only files: to the last write; to earlier ones only with aof-timestamp-enabled yes and an RDB as base',
        times,
        files,
      },
    };
  } finally {
    await held.release();
  }
}

/** What can be restored to: every second where all increments are stamped and the base says when it was made. */
async function timesOf(files: readonly HeldFile[], before: Info): Promise<Position['times']> {
  const base = files.find(({ type }) => type === 'base');
  const made = base ? await creationTime(base.handle) : undefined;
  const stamped = await Promise.all(files.filter(({ type }) => type === 'incr').map(isStamped));
  // All that was written in the second in which the base was made may be in it already: the next one is the first.
  const from = made === undefined ? undefined : (made + 1) * 1000;
  const every = from !== undefined && from <= before.time && stamped.every(Boolean);
  return { from: rfc3339(every ? from : before.time), to: rfc3339(before.time), every };
}

/** An increment with timestamps begins with one. */
async function isStamped({ handle, bytes }: HeldFile): Promise<boolean> {
  if (bytes === 0) return true;
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  return buffer.subarray(0, bytesRead).toString('latin1') === '#TS:';
}

/** RDB's auxiliary field for the time of its creation: a string of five letters, then a 32-bit integer. */
const CTIME = Buffer.from('\u00fa\u0005ctime\u00c2', 'latin1');
const HEADER_BYTES = 512;

/** Seconds since the epoch when an RDB was made, from its header; undefined where it does not say. */
async function creationTime(handle: FileHandle): Promise<number | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
  const header = buffer.subarray(0, bytesRead);
  const at = header.indexOf(CTIME);
  return at < 0 || at + CTIME.length + 4 > header.length ? undefined : header.readUInt32LE(at + CTIME.length);
}
