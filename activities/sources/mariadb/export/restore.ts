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
import { ofInto } from '../../into-refusal.ts';
import type { ExportPlan, ExportRequest } from '../../types.ts';
import { clientError } from '../errors.ts';
import { clientProgram, identifier, literal, run } from '../session.ts';
import { atWork, halfOf, isTaken, markOf, takeLock, type Half } from './half.ts';
import { createStatement } from './loaded.ts';
import { requireListed } from './select.ts';
import { moveTables } from './tables.ts';
import { existing, look, targetOf, type Found, type Target } from './target.ts';
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
  await requireWriter(target, work.signal);
  if (tables.length > 0) return planTables(request, { artifact, target, found });
  if (found.loading !== null) throw atWork(target.database, found.loading);
  const half = halfOf(found.comment);
  if (half && !replace) throw halfThere(target.database, found.objects, half);
  if (!half && found.objects > 0)
    throw inTheWay(`database "${target.database}" has ${found.objects} tables and routines in it`);
  return {
    artifact,
    tables: ['all'],
    left: ['accounts and grants'],
    steps: [
      'read all of the export to a closed folder here, and check it',
      ...(half ? [`drop "${target.database}", ${halfText(half)}`] : []),
      ...(found.exists === 0 || half ? [making(target)] : []),
      `restore it into "${target.database}"`,
    ],
    note: {},
    done: false,
    carryOut: () => written(request, loadWhole(request, { artifact, target, found })),
  };
}

async function planTables(request: Request, { artifact, target, found }: Planned): Promise<ExportPlan> {
  const { tables, replace, work } = request;
  const there = await existing(target, tables, work.signal);
  if (there.length > 0 && !replace) throw inTheWay(`tables ${there.join(', ')} are in "${target.database}"`);
  const aside = `_before_${stamp()}`;
  return {
    artifact,
    tables,
    left: ['foreign keys of these tables, and of others to them', 'triggers of these tables', 'grants'],
    steps: [
      'load the export into a private server here, and check all of it on the way',
      ...(found.exists === 0 ? [making(target)] : []),
      `restore ${tables.join(', ')} into a database of their own`,
      ...there.map((name) => `call the old table ${name} "${name}${aside}"`),
      `move ${tables.join(', ')} into "${target.database}", in one step`,
    ],
    note: {},
    done: false,
    carryOut: () => written(request, moveTables({ request, artifact, target, found, there, aside })),
  };
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

async function loadWhole({ backup, scratch, work }: Request, { artifact, target, found }: Planned): Promise<void> {
  const { connection, database } = target;
  await requireSpace({ path: scratch, needed: artifact.plainBytes });
  const [begin, file] = [path.join(scratch, 'begin.sql'), path.join(scratch, 'export.sql')];
  await writeFile(begin, takeLock(database), { mode: 0o600 });
  await backup.into('export', artifact.name, { command: 'dd', args: [`of=${file}`, 'status=none', 'bs=64k'] });
  const { signal } = work;
  const name = identifier(database);
  const made = artifact.export.made ?? {};
  const mark = markOf({
    reference: formatReference(backup.manifest),
    since: `${new Date().toISOString().slice(0, 19)}Z`,
  });
  const half = halfOf(found.comment);
  if (half) await run(connection, `DROP DATABASE ${name}`, { signal });
  const isOurs = found.exists === 0 || half !== undefined;
  await run(connection, isOurs ? createStatement(database, made, mark) : commented(name, mark), { signal });
  try {
    await runPipeline({
      programs: [
        { command: 'cat', args: ['--', begin, file] },
        clientProgram(connection, ['--binary-mode', '--max-allowed-packet=1G', `--database=${database}`]),
      ],
      bytes: () => 0,
      phase: 'restoring',
      total: artifact.plainBytes,
      // While the server builds an index, nothing of ours moves.
      work: { ...work, standstill: Number.POSITIVE_INFINITY },
    });
  } catch (error) {
    if (isTaken(error)) throw atWork(database, null);
    // What is half there is ours: nothing was in it before.
    const always = { signal: new AbortController().signal };
    await run(connection, `DROP DATABASE ${name}`, always);
    const { charset, collation, comment } = found;
    const like = { charset, collation };
    if (!isOurs) await run(connection, createStatement(database, like, comment), always);
    throw error instanceof BackupError && error.facts['program'] === 'mariadb' ? clientError(error, connection) : error;
  }
  await run(connection, commented(name, isOurs ? '' : found.comment), { signal });
}

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
