/** A MariaDB whose binary logs are shipped. */
import { mkdir } from 'node:fs/promises';
import { startMariadb } from '../../../support/mariadb.ts';
import type { LogServer } from './types.ts';

/** Binlog of a row below: measured. */
const ROW_BYTES = 1_080;
/** Rows of one transaction. */
const BATCH = 50_000;

export async function mariadbWithLogs(folder: string): Promise<LogServer> {
  await mkdir(folder, { mode: 0o755 });
  const server = await startMariadb({ folder, args: ['--innodb-log-file-size=256M', '--event-scheduler=OFF'] });
  await server.sql(
    'CREATE DATABASE shop; CREATE TABLE shop.journal (at TIMESTAMP); CREATE TABLE shop.bulk (id INT, body TEXT)',
  );
  const [version = ''] = await server.sql('SELECT VERSION()');
  async function position(): Promise<number> {
    const logs = await server.sql('SHOW BINARY LOGS');
    return logs.reduce((sum, line) => sum + Number(line.split('\t')[1]), 0);
  }
  return {
    title: `MariaDB ${/^[\d.]+/.exec(version)?.[0] ?? ''}`,
    source: server.config(),
    async commit() {
      await server.sql('INSERT INTO shop.journal VALUES (NOW())');
    },
    async write(bytes) {
      const before = await position();
      const rows = Math.ceil(bytes / ROW_BYTES);
      const noise = [1, 2, 3, 4].map((salt) => `SHA2(seq * 7 + ${salt}, 512)`).join(', ');
      for (let first = 1; first <= rows; first += BATCH) {
        const numbers = `shop.seq_${first}_to_${Math.min(rows, first + BATCH - 1)}`;
        const row = `seq, CONCAT(${noise}, REPEAT(CONCAT(' order ', seq, ' was placed and paid;'), 17))`;
        await server.sql(`INSERT INTO shop.bulk SELECT ${row} FROM ${numbers}`);
      }
      return (await position()) - before;
    },
    stop: () => server.stop(),
  };
}
