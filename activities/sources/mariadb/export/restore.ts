/**
 * One database or table of a backup into a running server. Statements that make tables cannot be taken back here, as
 * they can in PostgreSQL. So nothing is sent before all of the export was read and was right, and single tables are
 * made in a database of their own first, from which one RENAME TABLE, which is one step, moves them.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { ExportArtifact } from '../../../../model/export.ts';
import { formatReference } from '../../../../model/reference.ts';
import { requireSpace } from '../../../storage/space.ts';
import { runPipeline } from '../../../streams/pipeline.ts';
import { exportOf } from '../../stored-exports.ts';
import { settled } from '../../earlier.ts';
import { ofInto } from '../../into-refusal.ts';
import type { ExportPlan, ExportRequest } from '../../types.ts';
import { clientError } from '../errors.ts';
import { clientProgram, identifier, literal, run } from '../session.ts';
import { areMoved, asideOf, isLoaded, noteOf, type NoteOf } from './earlier.ts';
import { atWork, changed, halfOf, isChanged, isTaken, markOf, takeLock, type Half } from './half.ts';
import { createStatement } from './loaded.ts';
import { requireListed } from './select.ts';
import { dropWorkshop, moveTables, workshopOf } from './tables.ts';
import { atWorkIn, commentOf, existing, look, stillAs, targetOf, type Found, type Target } from './target.ts';
import { requireWriter, ROLE } from './writer.ts';

type Request = ExportRequest<MariadbSource>;

/**
 * Looks at both sides, and says what would be done. Nothing is changed before `carryOut`.
 * @throws BackupError `not-found` for what the backup lacks, `not-empty` where something is in the way, `unreachable`,
 *   `access-denied`.
 */
export async function planExport(request: Request): Promise<ExportPlan> {
  const { backup, database, tables, into, config, work, replace } = request;
  const artifact = exportOf(backup.manifest, database);
  await requireListed(backup, database, tables);
  const target = targetOf(into, config, database);
  const found = await look(target, work.signal).catch((error: unknown) => {
    throw ofInto(error, into, ROLE);
  });
  if (tables.length > 0) return planTables(request, { artifact, target, found });
  if (found.loading !== null) throw atWork(target.database, found.loading);
  const whole = { artifact, tables: ['all'], left: ['accounts and grants'] };
  const earlier = noteOf(request, target, 'whole');
  if (earlier && (await isLoaded({ request, target }, found)))
    return { ...whole, steps: [], note: earlier, done: true, carryOut: async () => undefined };
  await requireWriter(target, work.signal);
  const half = halfOf(found.comment);
  // What an attempt before has left of this very restore is not in its way.
  if (half && !replace && found.comment !== earlier?.mark) throw halfThere(target.database, found.objects, half);
  if (!half && found.objects > 0)
    throw inTheWay(`database "${target.database}" has ${found.objects} tables and routines in it`);
  const note = earlier ?? newNote(request, target, found);
  return {
    ...whole,
    steps: [
      'read all of the export to a closed folder here, and check it',
      ...(half ? [`drop "${target.database}", ${halfText(half)}`] : []),
      ...(found.exists === 0 || half ? [making(target)] : []),
      `restore it into "${target.database}"`,
    ],
    note,
    done: false,
    carryOut: () =>
      settled({
        carryOut: () => written(request, loadWhole(request, { artifact, target, found }, note)),
        isCarriedOut: async () => {
          const now = await look(target, work.signal);
          if (now.loading !== null) throw atWork(target.database, now.loading);
          return isLoaded({ request, target }, now);
        },
        work,
      }),
  };
}

function newNote({ backup }: Request, { database }: Target, found: Found): NoteOf<'whole'> {
  const since = `${new Date().toISOString().slice(0, 19)}Z`;
  const mark = markOf({ reference: formatReference(backup.manifest), since });
  const { charset, collation, comment } = found;
  const isEmpty = found.exists > 0 && halfOf(comment) === undefined;
  const like = isEmpty ? { charset, collation, comment } : { charset: '', collation: '', comment: '' };
  return { way: 'whole', database, existed: isEmpty, ...like, mark };
}

async function planTables(request: Request, { artifact, target, found }: Planned): Promise<ExportPlan> {
  const { tables, replace, work } = request;
  const earlier = noteOf(request, target, 'tables');
  const aside = earlier?.aside ?? `_before_${stamp()}`;
  const restored = {
    artifact,
    tables,
    left: ['foreign keys of these tables, and of others to them', 'triggers of these tables', 'grants'],
  };
  if (earlier && (await isMoved({ request, target }, earlier)))
    return { ...restored, steps: [], note: earlier, done: true, carryOut: async () => undefined };
  await requireWriter(target, work.signal);
  const there = await existing(target, tables, work.signal);
  if (there.length > 0 && !replace) throw inTheWay(`tables ${there.join(', ')} are in "${target.database}"`);
  const note: NoteOf<'tables'> = { way: 'tables', database: target.database, there: [...there], aside };
  return {
    ...restored,
    steps: [
      'load the export into a private server here, and check all of it on the way',
      ...(found.exists === 0 ? [making(target)] : []),
      `restore ${tables.join(', ')} into a database of their own`,
      ...there.map((name) => `call the old table ${name} "${asideOf(name, aside)}"`),
      `move ${tables.join(', ')} into "${target.database}", in one step`,
    ],
    note,
    done: false,
    carryOut: () =>
      settled({
        carryOut: () => written(request, moveTables({ request, artifact, target, found, there, aside })),
        isCarriedOut: () => isMoved({ request, target }, note),
        work,
      }),
  };
}

/** What they were made in is removed then. @throws BackupError `busy` where the server is still at work for it. */
async function isMoved(
  looking: Pick<Planned, 'target'> & { readonly request: Request },
  note: NoteOf<'tables'>,
): Promise<boolean> {
  const { target, request } = looking;
  const { signal } = request.work;
  const workshop = workshopOf(note.aside);
  const loading = await atWorkIn({ ...target, database: workshop }, signal);
  if (loading !== null) throw atWork(target.database, loading);
  if (!(await areMoved(looking, note, workshop))) return false;
  await dropWorkshop(target, note.aside, signal);
  return true;
}

function making({ database }: Target): string {
  return `make database "${database}" as it was made`;
}

/** What the server denies while it is written to is told with the account that may. */
async function written({ into }: Request, writing: Promise<void>): Promise<void> {
  return writing.catch((error: unknown) => {
    throw ofInto(error, into, ROLE);
  });
}

interface Planned {
  readonly artifact: ExportArtifact;
  readonly target: Target;
  readonly found: Found;
}

/**
 * One session does all of it, under the lock: what it drops and makes, the load, and last of all that the mark goes. So
 * once nobody has the lock, the mark tells whether all of it is there.
 */
async function loadWhole(
  { backup, scratch, work }: Request,
  { artifact, target, found }: Planned,
  note: NoteOf<'whole'>,
): Promise<void> {
  const { connection, database } = target;
  await requireSpace({ path: scratch, needed: artifact.plainBytes });
  const [begin, file, end] = ['begin.sql', 'export.sql', 'end.sql'].map((name) => path.join(scratch, name));
  if (begin === undefined || file === undefined || end === undefined) throw new TypeError('three files');
  await writeFile(begin, beginning(target, artifact, found, note), { mode: 0o600 });
  await backup.into('export', artifact.name, { command: 'dd', args: [`of=${file}`, 'status=none', 'bs=64k'] });
  await writeFile(end, `SET sql_mode = '';\n${commented(identifier(database), note.comment)};\n`, { mode: 0o600 });
  try {
    await runPipeline({
      programs: [
        { command: 'cat', args: ['--', begin, file, end] },
        clientProgram(connection, ['--binary-mode', '--max-allowed-packet=1G']),
      ],
      bytes: () => 0,
      phase: 'restoring',
      total: artifact.plainBytes,
      // While the server builds an index, nothing of ours moves.
      work: { ...work, standstill: Number.POSITIVE_INFINITY },
    });
  } catch (error) {
    if (isTaken(error)) throw atWork(database, null);
    if (isChanged(error)) throw changed(database);
    await takenBack(target, note, work);
    throw error instanceof BackupError && error.facts['program'] === 'mariadb' ? clientError(error, connection) : error;
  }
}

/** All under a sql_mode in which literals are read as they are written here; the export has its own again. */
function beginning(
  { database }: Target,
  { export: { made } }: ExportArtifact,
  found: Found,
  note: NoteOf<'whole'>,
): string {
  const name = identifier(database);
  const { charset, collation } = note;
  const like = note.existed ? { charset, collation } : (made ?? {});
  const isHalf = halfOf(found.comment) !== undefined;
  const isOurs = found.exists === 0 || isHalf;
  return [
    "SET @mosaic_mode = @@sql_mode, SESSION sql_mode = '';",
    takeLock(database, { asItWas: stillAs(database, found) }),
    ...(isHalf ? [`DROP DATABASE ${name};`] : []),
    `${isOurs ? createStatement(database, like, note.mark) : commented(name, note.mark)};`,
    `USE ${name};`,
    'SET SESSION sql_mode = @mosaic_mode;\n',
  ].join('\n');
}

/** What is half there is ours: nothing was in it before. An empty one is as it was. */
async function takenBack(
  { connection, database }: Target,
  { existed, charset, collation, comment, mark }: NoteOf<'whole'>,
  { log }: Request['work'],
): Promise<void> {
  const isOurs = `${commentOf(literal(database))} = ${literal(mark)}`;
  const statements = [
    `DROP DATABASE ${identifier(database)}`,
    ...(existed ? [createStatement(database, { charset, collation }, comment)] : []),
  ];
  try {
    const lock = takeLock(database, { asItWas: isOurs, patience: PATIENCE });
    await run(connection, `${lock}${statements.join(';\n')}`, { signal: new AbortController().signal });
  } catch (error) {
    // Why the restore failed matters more. It bears its mark, and where it bears none, nothing had come into it.
    if (!isChanged(error)) log.warn({ database, error: String(error) }, 'what was half restored is still there');
  }
}

/** Seconds for the server to notice that our client has ended. */
const PATIENCE = 10;

function commented(name: string, comment: string): string {
  return `ALTER DATABASE ${name} COMMENT = ${literal(comment)}`;
}

function halfText({ reference, since }: Half): string {
  return `what a restore of ${reference}, begun at ${since} and cut off, left of it`;
}

function halfThere(database: string, objects: number, half: Half): BackupError {
  return new BackupError(
    'not-empty',
    `Database "${database}" is not whole: it is ${halfText(half)} (${objects} tables and routines). Nothing was changed.`,
    {
      remedy: 'Add --replace: then it is dropped first, and made again from the beginning.',
      facts: { database, ...half },
    },
  );
}

function inTheWay(what: string): BackupError {
  return new BackupError('not-empty', `The ${what}. Nothing was changed.`, {
    remedy:
      'Restore into another database (--into "… database=NEW"). For tables --replace keeps the old ones under another name.',
  });
}

/** `20261123T020000` */
function stamp(): string {
  return new Date().toISOString().replaceAll(/[-:]|\..*/g, '');
}
