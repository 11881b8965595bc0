/** The sources of a new config, each with what must be done on its server, in literal commands. */
import type { Endpoint, FoundByEndpoint, FoundPostgres, FoundServer } from './found.ts';
import { quote } from './quote.ts';

const OBJECTIVES = '    objectives: { rpo: 26h } # a daily one, and two hours to make it\n';

/** @param password file in which the account's password will lie; none is ever in a config. */
export function serverText(server: FoundServer, name: string, password: string): string {
  const text = server.type === 'postgres' ? postgresText(server) : TEXTS[server.type](server, password);
  const [comment, settings] = text;
  const head = [`Found by ${server.by}.`, ...comment].map((line) => `  # ${line}\n`).join('');
  const body = [`type: ${server.type}`, ...settings].map((line) => `    ${line}\n`).join('');
  return `${head}  ${quote(name)}:\n${body}${OBJECTIVES}`;
}

type Text = readonly [comment: readonly string[], settings: readonly string[]];

const TEXTS = { mariadb: mariadbText, redis: redisText } as const;

function postgresText({ host, port }: FoundPostgres): Text {
  const where = port === 5432 ? `host: ${quote(host)}` : `host: ${quote(host)}, port: ${port}`;
  const to = host.startsWith('/') ? `-h ${host} -p ${port}` : `-h ${host} -p ${port} -U postgres`;
  return [
    [
      'Its role, with no more rights than backups need, is made once, as a superuser:',
      `  psql ${to} -d postgres -f infra/roles/postgres.sql`,
      'and let in by lines of pg_hba.conf and pg_ident.conf: infra/roles has them, and doctor says which are missing.',
    ],
    [`connection: { ${where}, user: mosaic_backup }`],
  ];
}

function mariadbText({ at }: FoundByEndpoint, password: string): Text {
  const to = 'socket' in at ? `-S ${at.socket}` : `-h 127.0.0.1 -P ${at.port} -p`;
  return [
    [
      'Its account, with no more rights than backups need, is made once, as root:',
      `  mariadb ${to} < infra/roles/mariadb.sql`,
      'and given a password, in the client, where it goes into no shell history:',
      "  ALTER USER mosaic_backup@localhost IDENTIFIED BY '…';",
      ...passwordFile(password),
      'The worker must see the data folder; where it cannot (a container): "method: logical", infra/roles/mariadb-logical.sql.',
    ],
    [`connection: { ${place(at)}, user: mosaic_backup, password: { file: ${quote(password)} } }`],
  ];
}

function redisText({ at }: FoundByEndpoint, password: string): Text {
  const to = 'socket' in at ? `-s ${at.socket}` : `-p ${at.port}`;
  return [
    [
      'Its user, with no more rights than backups need, is made once:',
      `  sed -n 's/^user mosaic_backup /ACL SETUSER mosaic_backup /p' infra/roles/redis.acl | redis-cli ${to}`,
      'and given a password by its digest, and kept (ACL SAVE where the server has an aclfile, else CONFIG REWRITE):',
      `  redis-cli ${to} ACL SETUSER mosaic_backup "#$(printf %s "$PASSWORD" | sha256sum | cut -d ' ' -f 1)"`,
      ...passwordFile(password),
      'Where dbfilename, appenddirname or appendfilename is set in redis.conf, say it under names.',
    ],
    [`connection: { ${place(at)}, user: mosaic_backup, password: { file: ${quote(password)} } }`, 'names: {}'],
  ];
}

function passwordFile(file: string): readonly string[] {
  return [`The same password goes into ${file}:`, `  install -m 600 /dev/null ${file} && editor ${file}`];
}

function place(at: Endpoint): string {
  return 'socket' in at ? `socket: ${quote(at.socket)}` : `host: 127.0.0.1, port: ${at.port}`;
}
