/** The sample's shop with hardly any rows, on a server of the test's own. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { PrivateServer } from '../../../../../activities/sources/postgres/server.ts';
import { withSession, type Session } from '../../../../../activities/sources/postgres/session.ts';
import { makeCluster } from '../../../../../infra/quickstart/sample/postgres/make.ts';
import { DATABASE, withShop } from '../../../../../infra/quickstart/sample/postgres/session.ts';
import { startDatabase } from '../../../../../infra/quickstart/sample/postgres/start.ts';
import { samplePlace } from '../../../../../infra/quickstart/sample/place.ts';

const SQL = new URL('../../../../../infra/quickstart/sample/postgres/sql/', import.meta.url);
const signal = new AbortController().signal;

const ROWS = `
  INSERT INTO shop.customers SELECT id, 'Ada', id || '@example.org', 'Mill Street', 'Porto', 0, now() FROM generate_series(1, 50) AS id;
  INSERT INTO shop.products SELECT id, 'SKU-' || id, 'Lamp', 'It shines.', 9.50, 100 FROM generate_series(1, 5000) AS id;
  INSERT INTO shop.events SELECT id, 1, 'view', now(), gen_random_uuid(), '{"path": "/"}' FROM generate_series(1, 5000) AS id;
  SELECT setval('shop.events_id_seq', 5000);`;

/** Everything of the real shop but the size: without references, so that any customer may come. */
export async function startShop(folder: string): Promise<PrivateServer> {
  const place = samplePlace({ MOSAIC_SAMPLE: folder });
  await makeCluster(place, signal);
  await mkdir(path.join(folder, 'state'));
  const server = await startDatabase(place, signal);
  await withSession(server.connection, { application: 'test', signal }, (session) =>
    session.run(`CREATE DATABASE ${DATABASE}`),
  );
  await inShop(server, async (session) => {
    await session.run(await readFile(new URL('schema.sql', SQL), 'utf8'));
    await session.run(ROWS);
    await session.run(await readFile(new URL('ledger.sql', SQL), 'utf8'));
  });
  return server;
}

export function inShop<Result>(server: PrivateServer, use: (session: Session) => Promise<Result>): Promise<Result> {
  return withShop(server, signal, use);
}
