import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { requireBinaries } from '../../../../activities/sources/postgres/binaries.ts';
import { backupConnection } from '../../../../activities/sources/postgres/connection.ts';
import { receive } from '../../../../activities/sources/postgres/logs/receive.ts';
import { findSlot, slotName, untilFree } from '../../../../activities/sources/postgres/logs/slot.ts';
import { withSession, type Session } from '../../../../activities/sources/postgres/session.ts';
import type { Site } from '../../../../activities/site.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { ship, SOURCE } from './backups.ts';

describe('a slot through which somebody receives', () => {
  let server: TestPostgres;
  let site: Site;

  before(async () => {
    const folder = await temporaryFolder();
    server = await startPostgres({ folder });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    assert.ok(await ship(site, '2026-11-23T02:00:00Z'));
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  function slot(): string {
    return slotName(site.config.site, SOURCE);
  }

  async function session<T>(body: (session: Session) => Promise<T>): Promise<T> {
    const connection = await backupConnection(server.source(), site.readSecret);
    return withSession(connection, { application: 'test', signal: testWork().signal }, body);
  }

  /** Runs `body` while a receiver, as a killed attempt has left it, has the slot. */
  async function whileUsed(body: (leave: () => Promise<void>) => Promise<void>): Promise<void> {
    const work = testWork();
    const connection = await backupConnection(server.source(), site.readSecret);
    const binaries = await requireBinaries(15, { program: 'pg_receivewal' });
    const folder = await temporaryFolder();
    const of = { binaries, connection, slot: slot(), folder, end: 'FFFFFFFF/0', work };
    const ended = isBackupError(receive(of), 'aborted');
    async function leave(): Promise<void> {
      work.abort();
      await ended;
    }
    try {
      await until('the slot is in use', () => session(async (open) => (await findSlot(open, slot()))?.active === true));
      await body(leave);
    } finally {
      await leave();
    }
  }

  it('is waited for: the server takes a moment to miss a receiver that was killed', async () => {
    await whileUsed(async (leave) => {
      await server.sql('SELECT pg_switch_wal()');
      const shipped = ship(site, '2026-11-23T02:05:00Z');
      shipped.catch(() => undefined);
      await pause(1_000);
      await leave();
      assert.ok(await shipped);
    });
  });

  it('is told as what it is, with who it is, where it stays so', async () => {
    await whileUsed(async () => {
      const { signal } = testWork();
      const error = await isBackupError(
        session((open) => untilFree(open, slot(), { signal, limit: 300 })),
        'busy',
      );
      assert.match(error.message, /process \d+ sends through it/);
      assert.match(error.remedy ?? '', /pg_terminate_backend\(\d+\)/);
    });
  });
});
