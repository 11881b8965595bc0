/** The inventory of a files source: writing of its lines while they come, and reading it back. */
import { type FileEntry, filesLine, INVENTORY_SCHEMA, inventoryHeader } from '../../../model/inventory.ts';
import { BackupError } from '../../../model/errors.ts';
import type { BackupReader } from '../types.ts';
import { createList, readList } from './lists.ts';

/** A line. Put together by hand: JSON.stringify of the whole object takes twice as long, a hundred thousand times. */
export function formatEntry(entry: FileEntry): string {
  const { path, type, size, mode, uid, gid, mtime, target } = entry;
  const link = target === undefined ? '' : `,"target":${JSON.stringify(target)}`;
  const mark = entry.unsettled === true ? ',"unsettled":true' : '';
  return `{"path":${JSON.stringify(path)},"type":"${type}","size":${size},"mode":"${mode}","uid":${uid},"gid":${gid},"mtime":"${mtime}"${link}${mark}}`;
}

/** Begins what one backup archived. */
export function formatPart(token: string): string {
  return JSON.stringify({ part: token });
}

/** A path that is not there any more, with all below it. */
export function formatGone(path: string): string {
  return JSON.stringify({ gone: path });
}

export function formatHeader(source: string): string {
  return JSON.stringify({ schema: INVENTORY_SCHEMA, source, type: 'files' });
}

/** Characters that are drained together: each block costs several turns of the event loop, here and behind. */
const BLOCK = 128 * 1024;

/** Lines that are pushed, and drained in blocks. */
export interface LineQueue extends AsyncIterable<string> {
  /** One line or several, without the last line break. */
  push(lines: string): void;
  /** No more lines come; with an error, the reader gets it. */
  end(error?: unknown): void;
}

export function lineQueue(): LineQueue {
  const waiting: string[] = [];
  let size = 0;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = Promise.withResolvers<void>();
  return {
    push(lines) {
      waiting.push(lines);
      size += lines.length + 1;
      if (size >= BLOCK) wake.resolve();
    },
    end(error) {
      ended = true;
      if (error !== undefined) failure = { error };
      wake.resolve();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (size < BLOCK && !ended) await wake.promise;
        wake = Promise.withResolvers();
        size = 0;
        if (waiting.length > 0) yield waiting.splice(0).join('\n');
        else if (failure) throw failure.error;
        else if (ended) return;
      }
    },
  };
}

export interface InventoryParts {
  readonly source: string;
  readonly state: string;
  /** Tokens of the backups that this one builds on, the full first. */
  readonly parents: readonly string[];
  readonly token: string;
  /** What this backup archives; kept in state as well, for the next one. */
  readonly own: AsyncIterable<string>;
}

/** The lines of an inventory, many at once: those of the parents, then its own. */
export async function* inventoryLines({ source, state, parents, token, own }: InventoryParts): AsyncGenerator<string> {
  yield formatHeader(source);
  for (const parent of parents) yield* readList(state, parent);
  const list = await createList(state, token);
  let closed = false;
  try {
    for await (const lines of ownLines(token, own)) {
      await list.write(lines);
      yield lines;
    }
    await list.close();
    closed = true;
  } finally {
    // Also where the reader leaves early, which throws nothing here: a capture that is cancelled.
    if (!closed) await list.abandon();
  }
}

async function* ownLines(token: string, own: AsyncIterable<string>): AsyncGenerator<string> {
  yield formatPart(token);
  yield* own;
}

/** An entry as a backup has it. */
export interface ListedEntry extends FileEntry {
  /** Number of the part that it is in, from 0: the place in the chain of the backup whose archive has it. */
  readonly part: number;
}

/** Reads an inventory: what the backup has, by path. */
export async function readInventory(backup: BackupReader): Promise<ReadonlyMap<string, ListedEntry>> {
  const entries = new Map<string, ListedEntry>();
  const gone = new Set<string>();
  let part = -1;
  let first = true;
  for await (const line of backup.lines('inventory')) {
    const value = parseJson(line);
    if (first) {
      inventoryHeader.parse(value);
      first = false;
      continue;
    }
    const parsed = filesLine.parse(value);
    if ('gone' in parsed && typeof parsed.gone === 'string') {
      gone.add(parsed.gone);
      continue;
    }
    // They come together, so all are taken away in one pass.
    removeGone(entries, gone);
    if ('path' in parsed) entries.set(parsed.path, { ...parsed, part });
    else part += 1;
  }
  removeGone(entries, gone);
  return entries;
}

function removeGone(entries: Map<string, ListedEntry>, gone: Set<string>): void {
  if (gone.size === 0) return;
  for (const path of entries.keys()) if (isGone(path, gone)) entries.delete(path);
  gone.clear();
}

function isGone(path: string, gone: ReadonlySet<string>): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (gone.has(path.slice(0, end))) return true;
  }
  return false;
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
