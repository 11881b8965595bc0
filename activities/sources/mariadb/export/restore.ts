/**
 * One database or table of a backup into a running server. Statements that make tables cannot be taken back here, as
 * they can in PostgreSQL. So nothing is sent before all of the export was read and was right, and single tables are
 * made in a database of their own first, from which one RENAME TABLE, which is one step, moves them.
 */
import path from 'node:path';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { ExportArtifact } from '../../../../model/export.ts';
import { requireSpace } from '../../../storage/space.ts';
import { runPipeline } from '../../../streams/pipeline.ts';
import { exportOf } from '../../stored-exports.ts';
import { ofInto } from '../../into-refusal.ts';
import type { ExportPlan, ExportRequest } from '../../types.ts';
import { clientError } from '../errors.ts';
import { clientProgram, identifier, run } from '../session.ts';
import { createStatement } from './loaded.ts';
import { moveTables } from './tables.ts';
import { existing, look, targetOf, type Target } from './target.ts';

type Request = ExportRequest<MariadbSource>;

/**
 * Looks at both sides, and says what would be done. Nothing is changed before `carryOut`.
 * @throws BackupError `not-found` for what the backup lacks, `not-empty` where something is in the way, `unreachable`,
 *   `access-denied`.
 */
export async function planExport(request: Request): Promise<ExportPlan> {
  const { backup, database, tables, into, config, work, replace } = request;
  const artifact = exportOf(backup.manifest, database);
  const target = targetOf(into, config, database);
  const found = await look(target, work.signal).catch((error: unknown) => {
    throw ofInto(error, into);
  });
  const making = found.exists === 0 ? [`make database "${target.database}" as it was made`] : [];
  if (tables.length > 0) {
    const there = await existing(target, tables, work.signal);
    if (there.length > 0 && !replace) throw inTheWay(`tables ${there.join(', ')} are in "${target.database}"`);
    const aside = `_before_${stamp()}`;
    return {
      artifact,
      tables,
      left: ['foreign keys of these tables, and of others to them', 'triggers of these tables', 'grants'],
      steps: [
        'load the export into a private server here, and check all of it on the way',
        ...making,
        `restore ${tables.join(', ')} into a database of their own`,
        ...there.map((name) => `call the old table ${name} "${name}${aside}"`),
        `move ${tables.join(', ')} into "${target.database}", in one step`,
      ],
      carryOut: () => moveTables({ request, artifact, target, found, there, aside }),
    };
  }
  if (found.objects > 0) throw inTheWay(`database "${target.database}" has ${found.objects} tables and routines in it`);
  return {
    artifact,
    tables: ['all'],
    left: ['accounts and grants'],
    steps: [
      'read all of the export to a closed folder here, and check it',
      ...making,
      `restore it into "${target.database}"`,
    ],
    carryOut: () => loadWhole(request, artifact, target, found.exists > 0),
  };
}

async function loadWhole(
  { backup, scratch, work }: Request,
  artifact: ExportArtifact,
  target: Target,
  existed: boolean,
): Promise<void> {
  const { connection, database } = target;
  await requireSpace({ path: scratch, needed: artifact.plainBytes });
  const file = path.join(scratch, 'export.sql');
  await backup.into('export', artifact.name, { command: 'dd', args: [`of=${file}`, 'status=none', 'bs=64k'] });
  const { signal } = work;
  const create = createStatement(database, artifact.export.made ?? {});
  if (!existed) await run(connection, create, { signal });
  try {
    await runPipeline({
      programs: [
        { command: 'cat', args: ['--', file] },
        clientProgram(connection, ['--binary-mode', '--max-allowed-packet=1G', `--database=${database}`]),
      ],
      bytes: () => 0,
      phase: 'restoring',
      total: artifact.plainBytes,
      // While the server builds an index, nothing of ours moves.
      work: { ...work, standstill: Number.POSITIVE_INFINITY },
    });
  } catch (error) {
    // What is half there is ours: nothing was in it before.
    const always = { signal: new AbortController().signal };
    await run(connection, `DROP DATABASE ${identifier(database)}`, always);
    if (existed) await run(connection, create, always);
    throw error instanceof BackupError && error.facts['program'] === 'mariadb' ? clientError(error, connection) : error;
  }
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
