/** The replay that proves the sample's restores: it must find whatever is not as the journal says. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { PrivateServer } from '../../../../../activities/sources/postgres/server.ts';
import { replay, type Replay } from '../../../../../infra/quickstart/sample/postgres/replay.ts';
import { startWorkload } from '../../../../../infra/quickstart/sample/postgres/workload.ts';
import { cleanUp, temporaryFolder } from '../../../../support/folders.ts';
import { inShop, startShop } from './shop.ts';

describe('sample: replay of the journal', () => {
  let server: PrivateServer;
  let confirmed = 0;

  before(async () => {
    server = await startShop(await temporaryFolder());
    const workload = await startWorkload(server, 0);
    while ((await workload.confirmed()) < 300 && workload.failure() === undefined) await pause(20);
    await workload.stop();
    assert.equal(workload.failure(), undefined);
    confirmed = await workload.confirmed();
  });

  after(async () => {
    await server.stop();
    await cleanUp();
  });

  /** The names of the checks that fail once the shop was damaged. */
  async function damaged(sql: string, lastConfirmed = confirmed): Promise<readonly string[]> {
    const found = await restoredWith(sql, lastConfirmed);
    return found.checks.filter(({ ok }) => !ok).map(({ name }) => name);
  }

  /** What one session sees, within a transaction that comes to nothing, is the restore; what another sees the source. */
  async function restoredWith(sql: string, lastConfirmed = confirmed): Promise<Replay> {
    return inShop(server, async (restored) => {
      await restored.run(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}`);
      const found = await inShop(server, (source) => replay(restored, source, lastConfirmed));
      await restored.run('ROLLBACK');
      return found;
    });
  }

  it('agrees with a shop that is as it was, at whatever transaction it ends', async () => {
    const found = await restoredWith('');
    assert.deepEqual(
      found.checks.filter(({ ok }) => !ok),
      [],
    );
    assert.equal(found.tables, 6);
    assert.equal(found.last, confirmed);
  });

  it('finds a row that is lost, whether the journal names it or not', async () => {
    assert.deepEqual(
      await damaged(
        'DELETE FROM shop.products WHERE id = (SELECT max(key) FROM ledger.operation WHERE relation = $$products$$)',
      ),
      ['rows: products'],
    );
    assert.deepEqual(await damaged('DELETE FROM shop.customers WHERE id = 50'), ['rows: customers']);
  });

  it('finds a row that came back, one that changed, and two that changed places', async () => {
    assert.deepEqual(await damaged("INSERT INTO shop.events VALUES (1, 1, 'view', now(), gen_random_uuid(), '{}')"), [
      'rows: events',
    ]);
    assert.deepEqual(await damaged("UPDATE shop.customers SET city = 'Lisbon' WHERE id = 49"), ['rows: customers']);
    assert.deepEqual(
      await damaged('UPDATE shop.products SET stock = CASE id WHEN 1 THEN 5 ELSE 195 END WHERE id IN (1, 2)'),
      ['rows: products'],
    );
  });

  it('finds a change that the journal has and the table lacks', async () => {
    const lost = `UPDATE shop.orders SET state = 'lost' WHERE id = (SELECT key FROM ledger.operation WHERE relation = 'orders' ORDER BY number DESC LIMIT 1)`;
    assert.deepEqual(await damaged(lost), ['rows: orders']);
  });

  it('finds a hole in the journal, and a journal that ends too early', async () => {
    assert.ok((await damaged('DELETE FROM ledger.journal WHERE number = 100')).includes('journal: whole'));
    assert.deepEqual(await damaged('', confirmed + 1), ['journal: whole']);
  });

  it('finds a journal that is not the one of the source', async () => {
    assert.deepEqual(await damaged("UPDATE ledger.journal SET what = 'nothing' WHERE number = 7"), [
      'journal: of the source',
    ]);
  });

  it('still agrees after the oldest transactions were folded into the base', async () => {
    await inShop(server, (session) => session.run(`SELECT ledger.fold(${confirmed - 50})`));
    const found = await restoredWith('');
    assert.deepEqual(
      found.checks.filter(({ ok }) => !ok),
      [],
    );
    assert.equal(found.transactions, 50);
    assert.deepEqual(await damaged('DELETE FROM shop.customers WHERE id = 50'), ['rows: customers']);
  });

  it('does not let anybody change the shop past the journal', async () => {
    await assert.rejects(inShop(server, (session) => session.run('UPDATE shop.customers SET credit = 1')));
  });
});
