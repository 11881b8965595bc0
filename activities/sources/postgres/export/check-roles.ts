/** The export of roles, run on an empty server: every role of the inventory must come out of it. */
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import type { Check } from '../../../../model/evidence.ts';
import { exportsOf } from '../../../../model/export.ts';
import type { PostgresEntry } from '../../../../model/inventory.ts';
import type { Work } from '../../../work.ts';
import { some } from '../../check-results.ts';
import type { BackupReader } from '../../types.ts';
import type { Binaries } from '../binaries.ts';
import { libpqEnvironment } from '../connection.ts';
import { APPLICATION } from '../application.ts';
import type { PrivateServer } from '../server.ts';
import { withSession } from '../session.ts';
import { quoted } from './select.ts';

const NAME = 'export of roles';

/** The role that the server was made with is there already. */
const WITHOUT = 'my $made = shift; while (<STDIN>) { print unless $_ eq "$made\\n" }';

export interface CheckingRoles {
  readonly backup: BackupReader;
  readonly inventory: readonly PostgresEntry[];
  readonly server: PrivateServer;
  readonly binaries: Binaries;
  readonly work: Work;
}

export async function checkRoles({ backup, inventory, server, binaries, work }: CheckingRoles): Promise<Check> {
  const artifact = exportsOf(backup.manifest).find(({ export: { scope } }) => scope === 'roles');
  if (!artifact) return failed('the backup has none; who owns what in the databases would be lost');
  const { connection } = server;
  const client = {
    command: path.join(binaries.folder, 'psql'),
    args: ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--command', 'BEGIN', '--file=-', '--file=/dev/fd/3'],
    gate: 'COMMIT;\n',
    env: libpqEnvironment(connection, APPLICATION),
    cwd: '/',
  };
  const filter = { command: 'perl', args: ['-e', WITHOUT, `CREATE ROLE ${quoted(connection.user)};`] };
  try {
    await backup.through('export', artifact.name, [filter, client], work);
  } catch (error) {
    if (!(error instanceof BackupError) || !['program-failed', 'verification-failed'].includes(error.code)) throw error;
    return failed(`it cannot be restored: ${error.message}`);
  }
  const found = await withSession(connection, { application: APPLICATION, signal: work.signal }, (session) =>
    session.rows(z.object({ name: z.string() }), 'SELECT rolname::text AS name FROM pg_roles'),
  );
  const there = new Set(found.map(({ name }) => name));
  const expected = inventory.filter((entry) => entry.entry === 'role' && entry['settled'] !== false);
  const missing = expected.flatMap((entry) => (entry.entry === 'role' && !there.has(entry.name) ? [entry.name] : []));
  if (missing.length > 0)
    return failed(`${missing.length} of ${expected.length} roles do not come out of it: ${some(missing)}`);
  return { name: NAME, compared: true, ok: true, detail: `${expected.length} roles, made on an empty server` };
}

function failed(detail: string): Check {
  return { name: NAME, compared: true, ok: false, detail };
}
