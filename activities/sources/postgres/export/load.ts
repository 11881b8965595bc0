/**
 * An archive into a running server, in one transaction. psql gets its COMMIT through a gate, which opens only once the
 * whole artifact was read and was right: pg_restore itself commits as soon as it has what it wants, before the rest of
 * a damaged stream has been seen.
 */
import path from 'node:path';
import { BackupError } from '../../../../model/errors.ts';
import type { Program } from '../../../streams/types.ts';
import type { Work } from '../../../work.ts';
import type { BackupReader } from '../../types.ts';
import type { Binaries } from '../binaries.ts';
import { libpqEnvironment, type Connection } from '../connection.ts';
import { programComplaint } from '../errors.ts';
import { APPLICATION } from '../application.ts';

export interface Loading {
  readonly backup: BackupReader;
  /** The name of the artifact. */
  readonly artifact: string;
  readonly binaries: Binaries;
  /** With the database that it goes into. */
  readonly connection: Connection;
  /** Statements before it, in the same transaction. */
  readonly before?: readonly string[];
  /** Lines of its table of contents; all where absent. */
  readonly list?: string;
  /** Without it all belongs to the role of the connection, and nobody else is granted anything. */
  readonly owners: boolean;
  /** How the session is called; as all of ours when absent. */
  readonly application?: string;
  readonly work: Work;
}

/** @throws BackupError `verification-failed` for a damaged artifact, `failed` for what the server refuses. Nothing is changed then. */
export async function loadArchive(loading: Loading): Promise<void> {
  const { backup, artifact, connection, work } = loading;
  // While the server builds an index, nothing of ours moves.
  const patient = { ...work, standstill: Number.POSITIVE_INFINITY };
  try {
    await backup.through('export', artifact, [script(loading), client(loading)], patient);
  } catch (error) {
    throw refused(error, connection);
  }
}

/** Reads its input to the end, also where it needs only the beginning: else the rest would never be compared. */
const READ_ALL = '"$@" && exec cat >/dev/null';

function script({ binaries, list, owners }: Loading): Program {
  const args = [
    '--file=-',
    // Those of another server are not there.
    '--no-tablespaces',
    ...(owners ? [] : ['--no-owner', '--no-privileges']),
    ...(list === undefined ? [] : ['--use-list=/dev/fd/3']),
  ];
  return {
    command: 'sh',
    args: ['-c', READ_ALL, 'sh', path.join(binaries.folder, 'pg_restore'), ...args],
    ...(list === undefined ? {} : { inputs: [list] }),
    cwd: '/',
  };
}

/** A server whose client is gone notices within seconds, or a minute where its machine died, and takes back what was begun. */
const NOTICED = [
  "SELECT set_config('client_connection_check_interval', '5s', false) WHERE current_setting('server_version_num')::int >= 140000",
  'SET tcp_keepalives_idle = 30',
  'SET tcp_keepalives_interval = 10',
  'SET tcp_keepalives_count = 3',
];

function client({ binaries, connection, application = APPLICATION, before = [] }: Loading): Program {
  const first = [...NOTICED, 'BEGIN', ...before].flatMap((statement) => ['--command', statement]);
  return {
    command: path.join(binaries.folder, 'psql'),
    args: [
      '--no-psqlrc',
      '--quiet',
      '--no-password',
      '--set=ON_ERROR_STOP=1',
      // Without the rows that DETAIL and CONTEXT would show: what fails is kept by Temporal, and in logs.
      '--set=VERBOSITY=terse',
      ...first,
      '--file=-',
      // The gate.
      '--file=/dev/fd/3',
    ],
    gate: 'COMMIT;\n',
    env: libpqEnvironment(connection, application),
    cwd: '/',
  };
}

const REMEDIES: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [/role ".*" does not exist/, 'Make that role first (export-roles.sql of the backup has it), or add --no-owner.'],
  [
    /must be (owner|superuser|member of role)|permission denied|must be able to SET ROLE/,
    'Connect as a superuser, or as the owner of the database with --no-owner.',
  ],
  [
    /other objects depend on it/,
    'Restore it into another database (--into "… database=NEW") and copy the rows over from there.',
  ],
  [
    /extension ".*" is not available|could not open extension control file/,
    'Install the extension on that server first.',
  ],
  [/is not the one that was looked at/, 'Somebody has made it anew meanwhile: look at it, and give the command again.'],
  [/max_locks_per_transaction/, 'ALTER SYSTEM SET max_locks_per_transaction = 1024; and restart that server.'],
  [/already exists/, 'Choose another database, or add --replace.'],
  [
    /does not exist/,
    'The table needs something that is not there: restore the whole database into a new one, and copy from it.',
  ],
];

const OF_PROGRAMS: ReadonlySet<string> = new Set(['program-failed', 'no-space']);

/** Behind a colon, or before "is out of range", a server quotes what stood in a row: `invalid input syntax for type date: "…"`. */
function withoutValues(said: string): string {
  return said.replace(/: ".*$/, ': "…"').replace(/^value ".*"(?= is out of range)/, 'value "…"');
}

function refused(error: unknown, connection: Connection): unknown {
  if (!(error instanceof BackupError) || !OF_PROGRAMS.has(error.code)) return error;
  const { program, stderr, ...facts } = error.facts;
  if (typeof program !== 'string' || !program.endsWith('/psql') || typeof stderr !== 'string') return error;
  const text = /(?:ERROR|FATAL): +(.*)/.exec(stderr)?.[1];
  if (text === undefined) return programComplaint(stderr, connection) ?? error;
  const said = withoutValues(text);
  const isFull = error.code === 'no-space';
  const remedy = isFull
    ? 'Free space where that server keeps its data.'
    : (REMEDIES.find(([pattern]) => pattern.test(said))?.[1] ?? 'See what the server says, and its log.');
  return new BackupError(
    isFull ? 'no-space' : 'failed',
    `The server refuses it: ${said}. Nothing was changed in "${connection.database}".`,
    {
      remedy,
      facts: { ...facts, program, answer: said },
      retryable: false,
      cause: error,
    },
  );
}
