/** Whether an attempt at a restore that was cut off had been carried out all the same, and nobody have heard of it. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ExportEntry } from '../../../../model/export.ts';
import { earlierNote, undecided } from '../../earlier.ts';
import { hasList, listOf } from '../../stored-exports.ts';
import type { ExportRequest } from '../../types.ts';
import { halfOf } from './half.ts';
import { existing, type Found, type Target } from './target.ts';

const note = z.discriminatedUnion('way', [
  z.strictObject({
    way: z.literal('whole'),
    /** The one that it goes into. */
    database: z.string(),
    /** Whether an empty one was there, how that was made, and its comment: the mark takes its place meanwhile. */
    existed: z.boolean(),
    charset: z.string(),
    collation: z.string(),
    comment: z.string(),
    /** What the database bears until all of it is there. */
    mark: z.string().refine((text) => halfOf(text) !== undefined),
  }),
  z.strictObject({
    way: z.literal('tables'),
    database: z.string(),
    /** Those of the tables that were in the way. */
    there: z.array(z.string()),
    /** What is added to their names, and to that of the database that the tables are made in. */
    aside: z.string().startsWith('_before_'),
  }),
]);
export type Note = z.infer<typeof note>;
export type NoteOf<Way extends Note['way']> = Extract<Note, { readonly way: Way }>;

/** The note of the attempt before, where there was one. @throws BackupError `conflict` where it is of another restore. */
export function noteOf<Way extends Note['way']>(
  { earlier }: Pick<ExportRequest, 'earlier'>,
  { database }: Target,
  way: Way,
): NoteOf<Way> | undefined {
  const found = earlierNote(note, earlier);
  if (found === undefined) return undefined;
  if (found.database === database && isOf(found, way)) return found;
  throw undecided('what it had noted is of another restore');
}

function isOf<Way extends Note['way']>(found: Note, way: Way): found is NoteOf<Way> {
  return found.way === way;
}

interface Looking {
  readonly request: Pick<ExportRequest, 'backup' | 'database' | 'tables' | 'work'>;
  readonly target: Target;
}

/**
 * The last statement of a load takes the mark away. Nothing was in it before, so what is there without a mark came by
 * it, or is of somebody else: then it lacks some of the tables. @throws BackupError `conflict`.
 */
export async function isLoaded({ request, target }: Looking, found: Found): Promise<boolean> {
  if (found.objects === 0 || halfOf(found.comment)) return false;
  const { backup, database, work } = request;
  const list = hasList(backup.manifest) ? await listOf(backup, database) : [];
  const tables = list.filter(isTable).map(({ name }) => name);
  const lacking = missing(tables, await existing(target, tables, work.signal));
  if (lacking.length === 0) return true;
  throw undecided(
    `database "${target.database}" has ${found.objects} tables and routines in it, but not ${lacking.slice(0, 5).join(', ')}`,
  );
}

/**
 * One statement moves all of them: out of a database of their own, and the old ones to their other names.
 * @throws BackupError `conflict` where what is there is neither what was nor what was to come.
 */
export async function areMoved(
  { request, target }: Looking,
  { there, aside }: NoteOf<'tables'>,
  workshop: string,
): Promise<boolean> {
  const { tables, work } = request;
  const within = (database: string, names: readonly string[]) => existing({ ...target, database }, names, work.signal);
  const now = await within(target.database, tables);
  const old = there.map((name) => asideOf(name, aside));
  const kept = await within(target.database, old);
  const made = await within(workshop, tables);
  if (made.length === 0 && missing(tables, now).length === 0 && missing(old, kept).length === 0) return true;
  const before = missing(tables, there);
  const isAsBefore = made.length > 0 || missing(before, now).length === before.length;
  if (kept.length === 0 && isAsBefore) return false;
  throw undecided(`of what it was to bring to "${target.database}" there is only ${[...kept, ...now].join(', ')}`);
}

/** The name that an old table has afterwards: at most 64 characters, and of no two tables the same. */
export function asideOf(name: string, aside: string): string {
  // Names have no character that would be two here.
  if (name.length + aside.length <= LONGEST) return `${name}${aside}`;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, LONGEST - aside.length - hash.length - 1)}_${hash}${aside}`;
}

const LONGEST = 64;

/** A server may have the names in small letters. */
function missing(names: readonly string[], there: readonly string[]): readonly string[] {
  const known = new Set(there.map((name) => name.toLowerCase()));
  return names.filter((name) => !known.has(name.toLowerCase()));
}

function isTable(entry: ExportEntry): entry is Extract<ExportEntry, { readonly entry: 'object' }> {
  return entry.entry === 'object';
}
