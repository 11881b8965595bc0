/** What a server holds, as counts. No key is read for it. */
import { INVENTORY_SCHEMA, inventoryHeader, redisEntry, type RedisEntry } from '../../../model/inventory.ts';
import type { ArtifactWriter, BackupReader } from '../types.ts';
import type { Facts } from './facts.ts';

/** What may have happened between a counting and the snapshot. */
export interface Window {
  readonly changes: number | null;
  readonly lapsed: number;
}

type Info = Omit<Facts, 'settings'>;

/**
 * What happened between two looks at a server, where no save ended between them: a save takes from the count of
 * changes what it holds, and then nobody can tell any more. rdb_saves counts those that have begun, so none may have
 * been under way at the first look either; and it leaves out the one that FLUSHALL makes.
 */
export function windowBetween(before: Info, after: Info): Window {
  const [earlier, later] = [before.persistence, after.persistence];
  const hasSaved = earlier.saving || earlier.saves !== later.saves || earlier.lastSave !== later.lastSave;
  return windowOf(before, after, hasSaved ? null : later.changes - earlier.changes);
}

/** What has happened since a save began, when it was the only one between the two looks. */
export function windowSinceSave(before: Info, after: Info): Window {
  const isOnly = after.persistence.saves === before.persistence.saves + 1;
  // What is left of the count of changes are those that came after the snapshot.
  return windowOf(before, after, isOnly ? after.persistence.changes : null);
}

function windowOf(before: Info, after: Info, writes: number | null): Window {
  const changes = writes === null ? null : writes + evicted(before, after);
  // FLUSHALL begins the count of changes anew: more went than was counted.
  const isCounted = changes !== null && changes >= 0 && lasting(before) - lasting(after) <= changes;
  return { changes: isCounted ? changes : null, lapsed: lapsed(before, after) };
}

function lasting({ databases }: Info): number {
  return databases.reduce((sum, { keys, expires }) => sum + keys - expires, 0);
}

function evicted(before: Info, after: Info): number {
  return Math.max(0, after.evicted - before.evicted);
}

function lapsed(before: Info, after: Info): number {
  return Math.max(0, after.expired - before.expired);
}

export function inventoryOf(counted: Info, settings: Facts['settings'], window: Window): readonly RedisEntry[] {
  const known = settings ?? { appendonly: counted.persistence.aof ? 'yes' : 'no' };
  return [
    ...Object.entries(known).map(([name, value]) => ({ entry: 'setting' as const, name, value })),
    ...counted.databases.map(({ index, keys, expires }) => ({ entry: 'database' as const, index, keys, expires })),
    { entry: 'functions', libraries: counted.libraries },
    { entry: 'window', ...window },
  ];
}

export async function writeInventory(
  artifacts: ArtifactWriter,
  source: string,
  entries: readonly RedisEntry[],
): Promise<void> {
  const header = { schema: INVENTORY_SCHEMA, source, type: 'redis' };
  const lines = [header, ...entries].map((line) => JSON.stringify(line));
  await artifacts.lines(lines, { role: 'inventory', name: 'inventory', minPlainBytes: 1 });
}

export async function readInventory(backup: BackupReader): Promise<readonly RedisEntry[]> {
  const entries: RedisEntry[] = [];
  let isHeader = true;
  for await (const line of backup.lines('inventory')) {
    if (isHeader) inventoryHeader.parse(JSON.parse(line));
    else entries.push(redisEntry.parse(JSON.parse(line)));
    isHeader = false;
  }
  return entries;
}
