/**
 * When the time of events is over. A server that loads a dump after that makes them not again, or makes them disabled: that such
 * an event lacks says nothing against a backup.
 */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { MariadbEntry } from '../../../model/inventory.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { some } from '../check-results.ts';
import type { Connection } from './connection.ts';
import { tableName } from './digests.ts';
import { identityOf } from './inventory.ts';
import { rows } from './session.ts';

type Event = Extract<MariadbEntry, { readonly entry: 'event' }>;

const ending = z.object({ database: z.string(), name: z.string(), ends: z.string(), completion: z.string() });

/** The server keeps these times in UTC, whatever the time zone of the event. */
const ENDING = `
  SELECT JSON_OBJECT('database', db, 'name', name, 'completion', on_completion,
                     'ends', DATE_FORMAT(COALESCE(execute_at, ends), '%Y-%m-%dT%H:%i:%sZ'))
    FROM mysql.event WHERE COALESCE(execute_at, ends) IS NOT NULL ORDER BY db, name`;

/**
 * The entries, those of events with their ends.
 * @param connection an account that reads all tables, as mariadb-dump does; where there is none, or it may not, ends stay unknown.
 */
export async function withEventEnds(
  entries: readonly MariadbEntry[],
  connection: Connection | undefined,
  signal: AbortSignal,
): Promise<readonly MariadbEntry[]> {
  if (!connection || !entries.some(({ entry }) => entry === 'event')) return entries;
  try {
    const found = await rows(connection, ending, ENDING, { signal });
    const ends = new Map(found.map((one) => [tableName(one), one]));
    return entries.map((entry) => {
      const own = entry.entry === 'event' ? ends.get(tableName(entry)) : undefined;
      return own ? { ...entry, ends: own.ends, preserved: own.completion === 'PRESERVE' } : entry;
    });
  } catch (error) {
    stopIfCancelled(signal);
    if (!(error instanceof BackupError)) throw error;
    return entries;
  }
}

/** Whether the time of an event is over by now: whoever has loaded it before was told so by the server. */
function isOver({ ends }: Event): boolean {
  return ends !== undefined && Date.parse(ends) <= Date.now();
}

export interface Loaded<Entry> {
  readonly missing: readonly Entry[];
  /** Of these a server that loads a dump makes none. */
  readonly over: readonly Event[];
}

/**
 * Tells what lacks after a dump was loaded from what the server left out on purpose.
 * @param missing entries that were not found.
 * @param found identities without the status of events: one that is kept beyond its time comes back disabled.
 */
export function apartFromOver<Entry extends MariadbEntry>(
  missing: readonly Entry[],
  found: ReadonlySet<string>,
): Loaded<Entry> {
  const over: Event[] = [];
  const rest = missing.filter((entry) => {
    if (entry.entry !== 'event' || !isOver(entry)) return true;
    if (entry.preserved === true) return !found.has(statelessIdentity(entry));
    if (!found.has(statelessIdentity(entry))) over.push(entry);
    return false;
  });
  return { missing: rest, over };
}

/** As `identityOf`, whether or not an event is enabled. */
export function statelessIdentity(entry: MariadbEntry): string {
  return identityOf(entry.entry === 'event' ? { ...entry, status: '' } : entry);
}

/** How it is said; empty where there are none. */
export function toldOver(over: readonly Event[]): string {
  if (over.length === 0) return '';
  return `; ${over.length} events were not compared, since a dump makes none whose time is over: ${some(over.map(tableName))}`;
}
