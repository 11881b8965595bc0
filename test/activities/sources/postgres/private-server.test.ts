/** The private server of a check: it reaches nobody, nobody reaches it, and nothing of it stays. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { proveBackup } from '../../../../activities/operations/restore.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { processesNaming } from '../../../support/processes.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { networkOf, socketsOf } from '../../../support/sockets.ts';
import { until } from '../../../support/until.ts';
import { testWork, type TestWork } from '../../../support/work.ts';
import { capture, chainFor, names, onlyBackup, prove, SOURCE } from './backups.ts';

const CHILD = fileURLToPath(new URL('prove-in-child.ts', import.meta.url));

describe('the private server of a check of a PostgreSQL backup', () => {
  let folder: string;
  let publisher: TestPostgres;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    const other = path.join(folder, 'publisher');
    await mkdir(other, { mode: 0o755 });
    publisher = await startPostgres({
      folder: other,
      hba: ['local all subscriber trust'],
      settings: { wal_level: 'logical', log_connections: 'on' },
    });
    const server = await startPostgres({ folder, settings: { synchronous_commit: 'on' } });
    test = await makeSite({ folder, sources: { [SOURCE]: server.config() } });
    await publisher.sql('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t');
    await publisher.sql('CREATE ROLE subscriber LOGIN REPLICATION; GRANT SELECT ON t TO subscriber');
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
    const to = `host=${publisher.socket} port=${publisher.port} user=subscriber dbname=postgres`;
    await server.sql(`CREATE SUBSCRIPTION s CONNECTION '${to}' PUBLICATION p WITH (copy_data = false)`);
    await until('the subscription is served', async () => (await slot())?.['active'] === true);
    // In both files of the data folder, which are restored with it.
    await appendFile(path.join(server.data, 'postgresql.conf'), `listen_addresses = '*'\n`);
    await server.sql(`ALTER SYSTEM SET listen_addresses = '*'`);
    await capture(test.site, '2026-03-01T02:00:00Z');
    await server.stop();
  });
  after(async () => {
    await publisher?.stop('immediate');
    await cleanUp();
  });

  async function slot() {
    const [found] = await publisher.sql(`SELECT active, confirmed_flush_lsn FROM pg_replication_slots`);
    return found;
  }

  /** How often somebody came to the publisher as production's subscription does. */
  async function visits(): Promise<number> {
    const log = await readFile(publisher.server().log, 'utf8');
    return log.split('\n').filter((line) => /connection authorized: user=subscriber/.test(line)).length;
  }

  it('takes nothing from a publisher that production subscribes to', async () => {
    await until('production has left', async () => (await slot())?.['active'] === false);
    await publisher.sql('INSERT INTO t VALUES (1)');
    const before = { slot: await slot(), visits: await visits() };
    assert.ok(before.visits > 0);
    const checks = await prove(test.site, await onlyBackup(test.site), path.join(folder, 'proof'));
    assert.equal(checks.get('start')?.ok, true, checks.get('start')?.detail);
    assert.deepEqual({ slot: await slot(), visits: await visits() }, before);
  });

  it('listens on a socket of its own alone, and is gone when the check is cancelled', async () => {
    const within = path.join(folder, 'cancelled');
    const work = testWork();
    const failed = isBackupError(proofWith(work, within), 'aborted');
    const pid = await until('the server runs', () => postmasterIn(within));
    await until('it listens', async () => (await socketsOf(pid, 'unix')).some((line) => line.includes('.s.PGSQL')));
    // It opens them before its socket.
    assert.deepEqual(await networkOf(pid), []);
    work.abort();
    await failed;
    await until('it is gone', () => processesNaming(within).length === 0);
    assert.deepEqual(await names(within), []);
  });

  it('ends with a process that is killed by SIGKILL, and its scratch is removed by the next check', async () => {
    const within = path.join(folder, 'killed');
    const child = spawn(process.execPath, [CHILD, test.file, within], { stdio: 'inherit' });
    const exited = once(child, 'exit');
    await until('the server runs', () => postmasterIn(within));
    child.kill('SIGKILL');
    await exited;
    await until('it is gone', () => processesNaming(within).length === 0);
    assert.equal((await names(within)).length, 1, 'nobody was there to remove it');
    await prove(test.site, await onlyBackup(test.site), within);
    assert.deepEqual(await names(within), []);
  });

  async function proofWith(work: TestWork, within: string) {
    const { site } = test;
    const store = repositoryStore(site.repository);
    const chain = await chainFor(site, await onlyBackup(site));
    return proveBackup({ site, store, chain, within, work });
  }
});

/** The server's first process, whose arguments tell where its data are. */
function postmasterIn(within: string): number | undefined {
  return processesNaming(within).find(({ args }) => args[0]?.endsWith('/postgres') && args[1] === '-D')?.pid;
}
