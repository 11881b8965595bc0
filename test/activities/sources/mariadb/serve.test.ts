import assert from 'node:assert/strict';
import { runProgram } from '../../../../activities/streams/run.ts';
import { startMariadb } from '../../../support/mariadb.ts';
import { until } from '../../../support/until.ts';
import { describeServing, type ServedSource } from '../serving.ts';

const SCHEMA = String.raw`
  CREATE DATABASE shop; USE shop;
  CREATE TABLE orders (id int PRIMARY KEY, body text);
  INSERT INTO orders VALUES (1, 'a\tb\nc'), (2, NULL);
  CREATE TABLE beats (n int);
  CREATE TABLE written (n int);
  CREATE EVENT beat ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.beats VALUES (1);
  CREATE PROCEDURE two() SELECT 2;`;

async function make(folder: string): Promise<ServedSource> {
  const server = await startMariadb({ folder });
  await server.sql(SCHEMA);
  return { config: server.config(), end: () => server.stop() };
}

describeServing({
  type: 'mariadb',
  program: 'mariadbd',
  make,
  answers: [
    [{ text: 'SELECT id, body FROM shop.orders ORDER BY id' }, '1\ta\\tb\\nc\n2\tNULL'],
    [{ text: 'SELECT 1; CALL two();', database: 'shop' }, '1\n2'],
    [{ text: 'SELECT @@event_scheduler, @@log_bin' }, 'OFF\t0'],
    [{ text: 'SELECT 1 WHERE false' }, ''],
  ],
  refusals: [
    [{ text: 'SELECT * FROM shop.nowhere' }, /Table 'shop\.nowhere' doesn't exist/],
    // The client would run the first, and send the second from this machine.
    [{ text: String.raw`\! id` }, /Unknown command/],
    [
      { text: "SET GLOBAL local_infile = 1; LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE shop.beats" },
      /local infile/,
    ],
    [{ text: 'SELECT 1', database: 'nowhere' }, /Unknown database 'nowhere'/],
  ],
  write: ['INSERT INTO shop.written VALUES (3)'],
  written: ['SELECT n FROM shop.written', '3'],
  async reachOut(ask, port) {
    const to = `MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = 'nobody', MASTER_PASSWORD = ''`;
    await ask({ text: `SET GLOBAL server_id = 7; CHANGE MASTER TO ${to}; START SLAVE` });
    const told = await until('it has tried', async () => {
      const status = await ask({ text: 'SHOW SLAVE STATUS' });
      return /error connecting to master[^\t]*/i.exec(status)?.[0];
    });
    assert.match(told, /Network is unreachable|\(101/);
    await ask({ text: 'STOP SLAVE; RESET SLAVE ALL' });
  },
  async byEnv(env) {
    const args = [
      '--no-defaults',
      '--batch',
      '--skip-column-names',
      '-e',
      'SELECT id, body FROM shop.orders ORDER BY id',
    ];
    return (await runProgram({ command: 'mariadb', args, env })).stdout;
  },
  typed: ["-N -e 'SELECT id FROM shop.orders ORDER BY id'", '1\n2'],
});
