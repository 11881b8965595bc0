/** The inventory of a files source: writing of its lines while they come, and reading it back. */
import { fileEntry, INVENTORY_SCHEMA, inventoryHeader, type FileEntry } from '../../../model/inventory.ts';
import { BackupError } from '../../../model/errors.ts';
import type { BackupReader } from '../types.ts';

/** A line. Put together by hand: JSON.stringify of the whole object takes twice as long, a hundred thousand times. */
export function formatEntry(entry: FileEntry): string {
  const { path, type, size, mode, uid, gid, mtime, target } = entry;
  const link = target === undefined ? '' : `,"target":${JSON.stringify(target)}`;
  const marks = `${entry.inherited === true ? ',"inherited":true' : ''}${entry.unsettled === true ? ',"unsettled":true' : ''}`;
  return `{"path":${JSON.stringify(path)},"type":"${type}","size":${size},"mode":"${mode}","uid":${uid},"gid":${gid},"mtime":"${mtime}"${link}${marks}}`;
}

export function formatHeader(source: string): string {
  return JSON.stringify({ schema: INVENTORY_SCHEMA, source, type: 'files' });
}

/** find prints ten decimals, the last of them always 0. */
export function nanoseconds(time: string): string {
  return time.replace(/^(-?\d+\.\d{9})\d$/, '$1');
}

/** Lines that are pushed by several producers, and drained as one sequence. */
export interface LineQueue extends AsyncIterable<string> {
  /** One line or several, without the last line break. */
  push(lines: string): void;
  /** No more lines come; with an error, the reader gets it. */
  end(error?: unknown): void;
}

export function lineQueue(): LineQueue {
  let waiting: string[] = [];
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = Promise.withResolvers<void>();
  return {
    push(lines) {
      waiting.push(lines);
      if (waiting.length === 1) wake.resolve();
    },
    end(error) {
      ended = true;
      if (error !== undefined) failure = { error };
      wake.resolve();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const batch = waiting;
        waiting = [];
        if (batch.length > 0) yield batch.join('\n');
        else if (failure) throw failure.error;
        else if (ended) return;
        else {
          await wake.promise;
          wake = Promise.withResolvers();
        }
      }
    },
  };
}

/**
 * Reads an inventory. Tar's own lines win over `inherited` ones, which were listed beside it, and among each kind
 * the later ones.
 */
export async function readInventory(backup: BackupReader): Promise<ReadonlyMap<string, FileEntry>> {
  const entries = new Map<string, FileEntry>();
  for await (const entry of inventoryEntries(backup)) {
    const before = entries.get(entry.path);
    if (entry.inherited === true && before !== undefined && before.inherited !== true) continue;
    entries.set(entry.path, entry);
  }
  return entries;
}

async function* inventoryEntries(backup: BackupReader): AsyncGenerator<FileEntry> {
  let first = true;
  for await (const line of backup.lines('inventory')) {
    const value: unknown = parseJson(line);
    if (first) inventoryHeader.parse(value);
    else {
      const entry = fileEntry.parse(value);
      yield { ...entry, mtime: nanoseconds(entry.mtime) };
    }
    first = false;
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new BackupError('verification-failed', `the inventory has a line that is not JSON: ${line.slice(0, 200)}`, {
      cause: error,
    });
  }
}
