/** The sample's wiki with hardly any rows, on a server of the test's own. */
import { mkdir } from 'node:fs/promises';
import type { PrivateServer } from '../../../../../activities/sources/mariadb/server.ts';
import { run } from '../../../../../activities/sources/mariadb/session.ts';
import { runFile } from '../../../../../infra/quickstart/sample/mariadb/fill.ts';
import { openLedger } from '../../../../../infra/quickstart/sample/mariadb/ledger.ts';
import { makeDataFolder } from '../../../../../infra/quickstart/sample/mariadb/make.ts';
import { startDatabase } from '../../../../../infra/quickstart/sample/mariadb/start.ts';
import { samplePlace } from '../../../../../infra/quickstart/sample/place.ts';

const { signal } = new AbortController();

const ROWS = `
  SET foreign_key_checks = 0; USE wiki;
  INSERT INTO users SELECT seq, CONCAT('Łucja ', seq), CONCAT(seq, '@example.org'), NULL, '2025-01-01' FROM seq_1_to_200;
  INSERT INTO books SELECT seq, 'Book', CONCAT('book-', seq), 'About it.', 1, '2025-01-01' FROM seq_1_to_60;
  INSERT INTO pages SELECT seq, 1, NULL, 'Page', CONCAT('page-', seq), CONCAT('<p>', seq, '</p>'), 'Text', 0, 1, 1, '2025-01-01', '2025-01-01' FROM seq_1_to_4000;
  INSERT INTO comments SELECT seq, 1, '<p>Yes.</p>', 1, '2025-01-01' FROM seq_1_to_500;
  INSERT INTO activities SELECT seq, 'auth_login', NULL, 1, 'first', '2025-01-01' FROM seq_1_to_500;`;

/** Everything of the real wiki but the size. */
export async function startWiki(folder: string): Promise<PrivateServer> {
  const place = samplePlace({ MOSAIC_SAMPLE: folder });
  await mkdir(place.keys);
  await makeDataFolder(place, signal);
  const server = await startDatabase(place, signal);
  const { connection } = server;
  await runFile(connection, 'schema.sql', signal);
  await run(connection, ROWS, { signal });
  await runFile(connection, 'ledger.sql', signal);
  await runFile(connection, 'workload.sql', signal);
  await openLedger(connection, { signal });
  return server;
}
