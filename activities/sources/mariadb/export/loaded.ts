/** A new, private server with one export in it: to compare it, and to take single tables out of it. */
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ExportArtifact } from '../../../../model/export.ts';
import { giveTo } from '../../private-server/user.ts';
import type { BackupReader } from '../../types.ts';
import type { Work } from '../../../work.ts';
import type { Connection } from '../connection.ts';
import { startEmpty } from '../empty-server.ts';
import { serverUser } from '../server-user.ts';
import { clientProgram, identifier, literal, run } from '../session.ts';

const FAST = ['--innodb-flush-log-at-trx-commit=0', '--max-allowed-packet=1G'] as const;

/** Starts it, hands it over, and stops it whatever happens. Its folder is the caller's to wipe. */
export async function withEmptyServer<T>(
  { backup, scratch, work }: { readonly backup: BackupReader; readonly scratch: string; readonly work: Work },
  use: (connection: Connection, pid: number) => Promise<T>,
): Promise<T> {
  const folder = path.join(scratch, 'exports');
  const [data, runtime] = [path.join(folder, 'data'), path.join(folder, 'run')];
  await mkdir(folder);
  await chmod(folder, 0o711);
  for (const each of [data, runtime]) await mkdir(each, { mode: 0o700 });
  await giveTo(await serverUser(), folder, work.signal);
  const { server } = await startEmpty({ backup, data, runtime, args: FAST, work });
  try {
    return await use(server.connection, server.pid);
  } finally {
    await server.stop('immediate');
  }
}

/** @throws BackupError `verification-failed` for a damaged artifact, `program-failed` where a statement fails. */
export async function loadExport(
  backup: BackupReader,
  { name, export: { database, made } }: ExportArtifact,
  connection: Connection,
  work: Work,
): Promise<void> {
  const into = database ?? '';
  await run(connection, createStatement(into, made ?? {}), { signal: work.signal });
  const client = clientProgram(connection, ['--binary-mode', '--max-allowed-packet=1G', `--database=${into}`]);
  await backup.through('export', name, [client], work);
}

/** As the exported database was made. @param comment none when absent. */
export function createStatement(
  database: string,
  { charset, collation }: Readonly<Record<string, string | null>>,
  comment = '',
): string {
  const like = charset && collation ? ` CHARACTER SET ${charset} COLLATE ${collation}` : '';
  const said = comment === '' ? '' : ` COMMENT ${literal(comment)}`;
  return `CREATE DATABASE ${identifier(database)}${like}${said}`;
}
