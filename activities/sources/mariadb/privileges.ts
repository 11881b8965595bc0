/** What an account may do, read from SHOW GRANTS, against what infra/roles gives. Pure. */

interface Needed {
  /** A privilege on everything (`BINLOG MONITOR`), or columns of a system table. */
  readonly what: string;
  readonly why: string;
  readonly has: (grants: Grants) => boolean;
  readonly sql: string;
}

export interface Lacking {
  readonly what: string;
  readonly why: string;
  /** The literal statement. */
  readonly grant: string;
}

interface Grants {
  /** Those on everything. */
  readonly all: ReadonlySet<string>;
  /** Tables (`mysql.proc`) of which it may read at least columns; `mysql.*` for the whole database. */
  readonly readable: ReadonlySet<string>;
}

const ALL = 'ALL PRIVILEGES';

function everywhere(what: string, why: string, ...others: readonly string[]): Needed {
  const names = [ALL, what, ...others];
  return { what, why, has: ({ all }) => names.some((name) => all.has(name)), sql: `GRANT ${what} ON *.*` };
}

function columns(table: string, names: string, why: string): Needed {
  return {
    what: `SELECT (${names}) ON ${table}`,
    why,
    has: ({ all, readable }) => all.has('SELECT') || all.has(ALL) || readable.has('mysql.*') || readable.has(table),
    sql: `GRANT SELECT (${names}) ON ${table}`,
  };
}

const BASE: readonly Needed[] = [
  everywhere('RELOAD', 'nothing could be held still while it is read'),
  everywhere('PROCESS', 'the state of InnoDB is not seen'),
  // Its older name has the rest of it.
  everywhere(
    'BINLOG MONITOR',
    'the position in the binary logs is not seen, and mariadb-backup fails at its end',
    'SUPER',
  ),
  everywhere('LOCK TABLES', 'tables without transactions cannot be held still'),
  everywhere('SHOW DATABASES', 'databases would be missing in the inventory, and a check would not miss them'),
  everywhere('SHOW VIEW', 'tables and views would be missing in the inventory, and a check would not miss them'),
  columns('mysql.global_priv', 'Host, User', 'accounts would be missing in the inventory'),
  columns('mysql.proc', 'db, name, type', 'routines would be missing in the inventory'),
  columns('mysql.event', 'db, name, status', 'events would be missing in the inventory'),
];

const LOGICAL: readonly Needed[] = [
  everywhere('SELECT', 'mariadb-dump reads every table'),
  everywhere('TRIGGER', 'triggers would be missing in the dump'),
  everywhere('EVENT', 'events would be missing in the dump'),
];

/** What an account lacks, each with the statement that gives it. */
export function lacking(
  lines: readonly string[],
  account: { readonly user: string; readonly method: 'physical' | 'logical' },
): readonly Lacking[] {
  const grants = parse(lines);
  const needed = account.method === 'logical' ? [...BASE, ...LOGICAL] : BASE;
  return needed
    .filter(({ has }) => !has(grants))
    .map(({ what, why, sql }) => ({ what, why, grant: `${sql} TO ${granteeOf(lines) ?? account.user};` }));
}

/** What an account has that a backup never needs; undefined where it is as it should be. */
export function tooMuch(lines: readonly string[], method: 'physical' | 'logical'): string | undefined {
  const { all } = parse(lines);
  const excessive = [ALL, 'SUPER', 'FILE', 'INSERT', 'UPDATE', 'DELETE', 'DROP'].concat(
    method === 'logical' ? [] : ['SELECT'],
  );
  return excessive.find((name) => all.has(name));
}

/** `GRANT RELOAD, SELECT (a, b) ON `mysql`.`proc` TO …`: privileges and what they are on. */
function parse(lines: readonly string[]): Grants {
  const all = new Set<string>();
  const readable = new Set<string>();
  for (const line of lines) {
    const [, names = '', object = ''] = /^GRANT (.*?) ON (\S+) TO /.exec(line) ?? [];
    const privileges = names.replaceAll(/ \([^)]*\)/g, '').split(', ');
    if (object === '*.*') for (const name of privileges) all.add(name);
    else if (privileges.some((name) => name === 'SELECT' || name === ALL)) readable.add(object.replaceAll('`', ''));
  }
  return { all, readable };
}

/** The account as the server calls it, which may have been matched by another host. */
function granteeOf(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const found = / TO (`[^`]+`@`[^`]+`)/.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}
