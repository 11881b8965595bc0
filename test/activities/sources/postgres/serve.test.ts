import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { requireBinaries } from '../../../../activities/sources/postgres/binaries.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { processesNaming } from '../../../support/processes.ts';
import { describeServing, type ServedSource } from '../serving.ts';

async function make(folder: string): Promise<ServedSource> {
  const server = await startPostgres({ folder });
  await server.sql('CREATE DATABASE shop');
  await server.sql(
    "CREATE TABLE orders (id int PRIMARY KEY, body text); INSERT INTO orders VALUES (1, 'a'), (2, NULL)",
    'shop',
  );
  await server.sql(
    "CREATE TABLE t AS SELECT 7 AS id, timestamptz '2026-03-01 00:00+00' AS at; CREATE TABLE written (n int)",
  );
  await server.sql("ALTER SYSTEM SET archive_command = 'touch /nowhere'");
  // A library in every session, which this machine has not.
  await server.sql("ALTER ROLE postgres SET session_preload_libraries = 'not_here'");
  return { config: server.config(), end: () => server.stop() };
}

describeServing({
  type: 'postgres',
  program: 'postgres',
  make,
  answers: [
    [{ text: 'SELECT id, at, true FROM t' }, '7\t2026-03-01 00:00:00+00\tt'],
    [{ text: 'SELECT id, body FROM orders ORDER BY id', database: 'shop' }, '1\ta\n2\t'],
    [{ text: "SELECT 1; SELECT 'two', 3;" }, '1\ntwo\t3'],
    [{ text: 'SHOW archive_command' }, '(disabled)'],
    [{ text: 'SELECT 1 WHERE false' }, ''],
  ],
  refusals: [
    [{ text: 'SELECT * FROM nowhere' }, /relation "nowhere" does not exist/],
    // psql would run it, as whoever the worker is.
    [{ text: String.raw`\! id` }, /syntax error at or near/],
    [{ text: 'SELECT 1', database: 'nowhere' }, /nowhere/],
  ],
  write: ['INSERT INTO written VALUES (8)', "ALTER SYSTEM SET work_mem = '1MB'"],
  written: ['SELECT * FROM written; SHOW work_mem', '8\n4MB'],
  async reachOut(ask, port) {
    const program = `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}' 2>/dev/null || echo unreachable`;
    const text = `CREATE TEMP TABLE said (line text); COPY said FROM PROGRAM '${program.replaceAll("'", "''")}'; SELECT line FROM said`;
    assert.equal(await ask({ text }), 'unreachable');
  },
  async delay(folder) {
    const first = processesNaming(folder).find(({ args }) => args[0]?.endsWith('/postgres') && args[1] === '-D');
    const { pid } = first ?? assert.fail('it runs');
    const [child = ''] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ');
    // It hears nothing until the server loses its patience, after five seconds.
    process.kill(Number(child), 'SIGSTOP');
  },
  async isPutBack(restored) {
    const settings = await readFile(path.join(restored, 'postgresql.auto.conf'), 'utf8');
    assert.match(settings, /archive_command = 'touch \/nowhere'/);
    assert.doesNotMatch(settings, /work_mem/);
    assert.deepEqual(
      (await readdir(restored)).filter((name) => /restored$|new$/.test(name)),
      [],
    );
  },
  async byEnv(env) {
    const { folder } = await requireBinaries(15, { program: 'psql' });
    const args = ['-XAtq', '-F', '\t', '-c', "SET TimeZone = 'UTC'", '-c', 'SELECT id, at, true FROM t'];
    return (await runProgram({ command: `${folder}/psql`, args, env })).stdout;
  },
  typed: ["-XAtq -d shop -c 'SELECT id, body FROM orders ORDER BY id'", '1|a\n2|'],
});
