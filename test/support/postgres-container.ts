/**
 * A PostgreSQL server in a container of a test's own, as the official image runs it: the first process is the server,
 * under a user of its own, and `docker exec` is root. The image is made of this machine's PostgreSQL.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { requireBinaries } from '../../activities/sources/postgres/binaries.ts';
import { backupConnection, clientConfig, type Connection } from '../../activities/sources/postgres/connection.ts';
import { withReach } from '../../activities/sources/postgres/reach.ts';
import { postgresSource } from '../../model/config/source.ts';
import { SHELL, type ImageContents, type TestDocker } from './docker.ts';
import { isCached, provideProgramsOf } from './postgres-programs.ts';
import type { PostgresInput } from './postgres.ts';
import { until } from './until.ts';
import { testWork } from './work.ts';

export interface ContainerOptions {
  readonly docker: TestDocker;
  /** Major version; 18 comes from the cache of the set-up. */
  readonly major?: number;
  readonly name?: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly labels?: readonly string[];
  /** Lines of pg_hba.conf before all others. */
  readonly hba?: readonly string[];
  /** Programs of the image besides PostgreSQL's and the shell's; perl when absent. */
  readonly tools?: readonly string[];
  /** A folder of this machine that its data folder is, rather than one of the container's own. */
  readonly data?: string;
}

export interface PostgresContainer {
  readonly name: string;
  /** Name of the image. */
  readonly image: string;
  /** Folder of PostgreSQL's programs, here and inside. */
  readonly programs: string;
  config(options?: Partial<PostgresInput>): PostgresInput;
  /** Runs SQL as superuser. */
  sql(text: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** A connection as superuser, for as long as it is used. */
  connected<Result>(use: (connection: Connection) => Promise<Result>): Promise<Result>;
  /** Waits until it answers. */
  ready(): Promise<void>;
  /** What it has logged. */
  log(): Promise<string>;
}

const ROLES = new URL('../../infra/roles/', import.meta.url);
const MAJOR = 15;
/** As the server in it calls its data folder. */
export const DATA = '/var/lib/postgresql/data';
const USER = 70;

/** Makes the image and starts the container. */
export async function startPostgresContainer(options: ContainerOptions): Promise<PostgresContainer> {
  const {
    docker,
    name = 'mosaic-postgres',
    settings = {},
    labels = [],
    hba = [],
    tools,
    data,
    major = MAJOR,
  } = options;
  if (isCached(major)) await provideProgramsOf(major);
  const { folder: programs } = await requireBinaries(major, { program: 'initdb' });
  const image = `mosaic-test-${name}:${major}`;
  await docker.image(image, contents(programs, hba, tools));
  const all = { synchronous_commit: 'off', shared_buffers: '32MB', max_slot_wal_keep_size: '1GB', ...settings };
  await docker.docker(
    'run',
    '--detach',
    `--name=${name}`,
    '--network=none',
    // As the official image says of itself: at SIGTERM the server would wait for its clients.
    '--stop-signal=SIGINT',
    ...(data === undefined ? [] : [`--volume=${data}:${DATA}`]),
    ...labels.map((label) => `--label=${label}`),
    image,
    'sh',
    '/start.sh',
    ...Object.entries(all).flatMap(([setting, value]) => ['-c', `${setting}=${value}`]),
  );
  const container: PostgresContainer = {
    name,
    image,
    programs,
    config: ({ connection, ...rest } = {}) => ({
      type: 'postgres',
      connection: { container: { name, socket: docker.socket }, ...connection },
      ...rest,
    }),
    sql: (text, database = 'postgres') =>
      container.connected(async (connection) => {
        const client = new Client({ ...(await clientConfig({ ...connection, database }, { application: 'test' })) });
        await client.connect();
        try {
          const result: { readonly rows?: readonly Readonly<Record<string, unknown>>[] } = await client.query(text);
          return result.rows ?? [];
        } finally {
          await client.end();
        }
      }),
    connected: (use) => asSuperuser(container.config(), use),
    ready: () =>
      until('an answer of the server in the container', () =>
        docker.docker('exec', name, 'psql', '--host=/run/postgresql', '--username=postgres', '--command=').then(
          () => true,
          () => false,
        ),
      ).then(() => undefined),
    log: () => docker.logs(name),
  };
  await container.ready();
  for (const file of ['postgres.sql', 'postgres-check.sql', 'postgres-export.sql']) {
    await docker.docker(
      'exec',
      name,
      'psql',
      '--quiet',
      '--host=/run/postgresql',
      '--username=postgres',
      `--command=${shipped(file)}`,
    );
  }
  return container;
}

function asSuperuser<Result>(config: PostgresInput, use: (connection: Connection) => Promise<Result>): Promise<Result> {
  const source = postgresSource.parse({ ...config, connection: { ...config.connection, user: 'postgres' } });
  const around = { config: source, source: 'test', state: '/nowhere', work: testWork() };
  return withReach(around, async (reachable) => use(await backupConnection(reachable, async () => '')));
}

function contents(
  programs: string,
  hba: readonly string[],
  tools: readonly string[] = ['/usr/bin/perl'],
): ImageContents {
  const names = ['postgres', 'initdb', 'psql', 'pg_basebackup', 'pg_dump', 'pg_dumpall'];
  const perl = tools.includes('/usr/bin/perl') ? perlBase() : [];
  return {
    programs: [...SHELL, ...tools, ...names.map((each) => path.join(programs, each))],
    files: [...filesOf(programs), '/usr/share/zoneinfo/UTC', '/usr/lib/locale/C.utf8', ...perl],
    written: {
      '/start.sh': START,
      '/etc/passwd': PASSWD,
      '/etc/group': 'root:x:0:\npostgres:x:70:\n',
      '/etc/postgresql/hba': access(hba),
      '/etc/postgresql/ident': shipped('postgres-pg_ident.conf'),
    },
    settings: [`ENV PATH=${programs}:/usr/bin:/bin`, 'ENV LC_ALL=C.UTF-8', `ENV PGDATA=${DATA}`],
  };
}

/** What the server needs beside its programs. Those of the cache lie in one folder, Debian's in two. */
function filesOf(programs: string): readonly string[] {
  const debian = /^(\/usr)\/lib\/(postgresql\/\d+)\/bin$/.exec(programs);
  if (!debian) return [path.dirname(path.dirname(programs))];
  const share = `/usr/share/${debian[2]}`;
  const data = readdirSync(share).filter((name) => /\.(sql|bki|sample|txt)$/.test(name));
  const folders = ['extension', 'tsearch_data', 'timezonesets'];
  const libraries = ['plpgsql', 'hstore', 'dict_snowball', 'libpqwalreceiver'];
  return [
    ...[...data, ...folders].map((name) => path.join(share, name)),
    ...libraries.map((name) => path.join(path.dirname(programs), 'lib', `${name}.so`)),
  ];
}

const PASSWD = `root:x:0:0::/:/bin/sh\npostgres:x:${USER}:${USER}::/var/lib/postgresql:/bin/sh\n`;

/** As the entry point of the official image does. */
const START = `
set -eu
as_postgres() { setpriv --reuid=${USER} --regid=${USER} --clear-groups -- "$@"; }
mkdir -p "$PGDATA" /run/postgresql
chown ${USER}:${USER} "$PGDATA" /run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  as_postgres initdb --auth=trust --username=postgres --data-checksums --encoding=UTF8 --no-sync >/dev/null
  cat /etc/postgresql/hba >"$PGDATA/pg_hba.conf"
  cat /etc/postgresql/ident >>"$PGDATA/pg_ident.conf"
fi
exec setpriv --reuid=${USER} --regid=${USER} --clear-groups -- postgres -c listen_addresses=127.0.0.1 -c unix_socket_directories=/run/postgresql "$@"
`;

/** The lines that infra/roles tells operators to add, as they are. */
function access(hba: readonly string[]): string {
  return `${hba.join('\n')}\nlocal all postgres trust\nlocal replication postgres trust\n${shipped('postgres-pg_hba.conf')}\n`;
}

function shipped(name: string): string {
  return readFileSync(new URL(name, ROLES), 'utf8');
}

/** Debian's package that each of its images has. */
function perlBase(): readonly string[] {
  return execFileSync('perl', ['-e', 'print grep { m{/perl-base$} } @INC'], { encoding: 'utf8' }).split('\n');
}
