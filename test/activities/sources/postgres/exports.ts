/** A server with all that an export can stumble over, and captures and restores of its exports. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { withExportPlan, type RestoreExportRequest } from '../../../../activities/operations/restore-export.ts';
import { digestRows } from '../../../../activities/sources/postgres/digests.ts';
import type { ExportPlan } from '../../../../activities/sources/types.ts';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { Store } from '../../../../activities/storage/types.ts';
import type { Site } from '../../../../activities/site.ts';
import { exportsOf } from '../../../../model/export.ts';
import type { Tier } from '../../../../model/source.ts';
import type { TestPostgres } from '../../../support/postgres.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { listed, SOURCE } from './backups.ts';

/** Quotes, a slash, an equals sign (of a connection string), and letters of no ASCII. */
export const ODD = `a/b "c" d=é'`;

const SCHEMA = `
  CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL);
  CREATE TABLE orders (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer int REFERENCES customers,
    note text DEFAULT 'none' CHECK (note <> ''),
    number int UNIQUE,
    raw bytea
  );
  CREATE INDEX orders_note ON orders (note);
  CREATE TABLE lines (order_id int REFERENCES orders, n int, PRIMARY KEY (order_id, n));
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
  ALTER TABLE orders OWNER TO app;
  GRANT SELECT ON orders TO reader;
  CREATE TABLE notes (id int, of_whom text);
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON notes USING (of_whom = current_user);
  CREATE TABLE events (id int PRIMARY KEY, what text) PARTITION BY RANGE (id);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (500);
  CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (500) TO (1001);
  CREATE SCHEMA "Odd schema";
  CREATE TABLE "Odd schema"."the ""table""" ("order" int, t int);
  CREATE VIEW rich AS SELECT name FROM customers WHERE id < 10;
  INSERT INTO customers (name) SELECT 'n' || i FROM generate_series(1, 1000) AS i;
  INSERT INTO orders (customer, number, raw) SELECT i, i, int4send(i) FROM generate_series(1, 1000) AS i;
  INSERT INTO lines SELECT i, 1 FROM generate_series(1, 1000) AS i;
  INSERT INTO notes VALUES (1, 'app');
  INSERT INTO events SELECT i, 'e' || i FROM generate_series(1, 1000) AS i;
  INSERT INTO "Odd schema"."the ""table""" VALUES (1, 2);
  -- The last of the archive, and more than fits into pipes and chunks: what is before it is read long before its end.
  CREATE TABLE zz_ballast AS SELECT gen_random_uuid() AS id FROM generate_series(1, 150000);
  CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM customers`;

/** Makes the databases. */
export async function fill(server: TestPostgres): Promise<void> {
  await server.sql('CREATE ROLE app LOGIN; CREATE ROLE reader');
  await server.sql('CREATE DATABASE shop');
  await server.sql(`CREATE DATABASE "${ODD.replaceAll('"', '""')}"`);
  await server.sql(SCHEMA, 'shop');
  await server.sql('CREATE TABLE kept AS SELECT 42 AS answer', ODD);
}

/** Captures for a scheduled time, in a tier that holds exports. */
export function captureExport(site: Site, scheduled: string, tier: Tier = 'weekly', source = SOURCE) {
  const run = { runId: `${tier}-${scheduled}`, scheduled, attempt: 1, busy: 1_000 };
  return captureBackup({ site, source, tier, ...run, work: testWork() });
}

export async function newest(site: Site, source = SOURCE): Promise<Catalogued> {
  const own = (await listed(site)).filter(({ name }) => name.source === source);
  const last = own.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled)).at(-1);
  if (!last) throw new Error('no backup');
  return last;
}

/** Names of the databases that a backup holds exports of. */
export function exportedDatabases({ manifest }: Catalogued): readonly (string | null)[] {
  return exportsOf(manifest)
    .filter((artifact) => artifact.export.scope === 'database')
    .map((artifact) => artifact.export.database);
}

export type Restoring = Partial<Omit<RestoreExportRequest, 'into'>> & {
  readonly server: TestPostgres;
  /** The database that it goes into; that of the export when absent. */
  readonly to?: string;
  /** The role that restores; a superuser when absent. */
  readonly as?: string;
};

/** Restores the export of `shop`, or only plans it. */
export async function restoreExport(site: Site, options: Restoring, only?: 'plan'): Promise<ExportPlan> {
  const { server, to, as = 'postgres', ...request } = options;
  return withExportPlan(
    {
      site,
      store: repositoryStore(site.repository),
      backup: request.backup ?? (await newest(site)),
      database: 'shop',
      tables: [],
      into: {
        settings: { host: server.socket, port: String(server.port), user: as, ...(to && { database: to }) },
        password: undefined,
      },
      replace: false,
      owners: true,
      work: testWork(),
      ...request,
    },
    async (plan) => {
      if (only !== 'plan') await plan.carryOut();
      return plan;
    },
  );
}

/** Counts and digests of the rows of a database, by table. */
export async function rowsOf(server: TestPostgres, database: string): Promise<Readonly<Record<string, string>>> {
  const { tables, unread } = await digestRows(server.server().connection, [database], testWork().signal);
  if (unread.length > 0) throw new Error(unread[0]?.why);
  return Object.fromEntries(tables.map(({ schema, name, rows, digest }) => [`${schema}.${name}`, `${rows} ${digest}`]));
}

/** Flips one bit of an artifact, so many bytes before its end. */
export async function flip(site: Site, backup: Catalogued, artifact: string, fromEnd: number): Promise<void> {
  const file = path.join(site.repository, backup.folder, artifact);
  const bytes = await readFile(file);
  const at = bytes.length - fromEnd;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

/** An object of a store of which the last part comes only when `ready` says so. */
export async function lastPartWhen(
  store: Store,
  key: string,
  bytes: number,
  whenReady: () => Promise<void>,
): Promise<Readable> {
  const source = await store.open(key);
  if (bytes < LAST || !key.includes('.dump.')) return source;
  async function* parts(): AsyncGenerator<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of source) chunks.push(Buffer.from(chunk));
    const all = Buffer.concat(chunks);
    yield all.subarray(0, -LAST);
    await whenReady();
    yield all.subarray(-LAST);
  }
  return Readable.from(parts());
}

const LAST = 400_000;

/** When a restore has executed all of its script in the database `shop`: it waits in its transaction, or is gone again. */
export async function ready(server: TestPostgres): Promise<void> {
  let seen = false;
  await until('the restore has executed its script', async () => {
    const [found] = await server.sql(
      `SELECT state, query FROM pg_stat_activity
        WHERE application_name LIKE 'mosaic-backup restore %' AND datname = 'shop' AND backend_type = 'client backend'`,
    );
    const gone = seen && found === undefined;
    seen ||= found !== undefined;
    const waits = found?.['state'] === 'idle in transaction';
    return gone || (waits && !/^(BEGIN|LOCK|SET row|DROP)/.test(String(found['query'])));
  });
}
