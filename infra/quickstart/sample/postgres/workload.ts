/** The light write load on the shop: a few transactions a second, never paused, each written down in the ledger. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { PrivateServer } from '../../../../activities/sources/postgres/server.ts';
import type { Session } from '../../../../activities/sources/postgres/session.ts';
import type { Workload } from '../database.ts';
import { openShop } from './session.ts';

interface Action {
  readonly what: string;
  /** How often, relative to the others. */
  readonly weight: number;
  readonly statements: string;
}

const ANY_CUSTOMER = '1 + floor(random() * 40000)::bigint';
const ANY_PRODUCT = '1 + floor(random() * 5000)::bigint';
/** In a subquery, which is asked once: a volatile function by itself would be asked for every row. */
const PLACED_ORDER = "(SELECT currval('shop.orders_id_seq'))";
const RECENT_ORDER =
  "(SELECT id FROM shop.orders WHERE state = 'paid' AND id > (SELECT max(id) - 200 FROM shop.orders) ORDER BY random() LIMIT 1)";

const ACTIONS: readonly Action[] = [
  {
    what: 'place an order',
    weight: 4,
    statements: `
      WITH placed AS (
        INSERT INTO shop.orders (customer_id, state, placed_at, total) VALUES (${ANY_CUSTOMER}, 'paid', now(), 0) RETURNING id
      ), wanted AS (
        SELECT DISTINCT ${ANY_PRODUCT} AS id FROM generate_series(1, 1 + floor(random() * 4)::int)
      )
      INSERT INTO shop.order_items (order_id, product_id, quantity, price)
      SELECT placed.id, product.id, 1 + floor(random() * 3)::int, product.price
        FROM placed, shop.products AS product JOIN wanted ON wanted.id = product.id;
      UPDATE shop.products SET stock = stock - item.quantity
        FROM shop.order_items AS item
       WHERE item.order_id = ${PLACED_ORDER} AND item.product_id = products.id;
      UPDATE shop.orders SET total = (SELECT sum(quantity * price) FROM shop.order_items WHERE order_id = orders.id)
       WHERE id = ${PLACED_ORDER};`,
  },
  {
    what: 'send an order',
    weight: 2,
    statements: `UPDATE shop.orders SET state = 'sent' WHERE id = ${RECENT_ORDER};`,
  },
  {
    what: 'cancel an order',
    weight: 1,
    statements: `
      WITH cancelled AS (UPDATE shop.orders SET state = 'cancelled', total = 0 WHERE id = ${RECENT_ORDER} RETURNING id)
      DELETE FROM shop.order_items USING cancelled WHERE order_id = cancelled.id;`,
  },
  {
    what: 'credit a customer',
    weight: 1,
    statements: `UPDATE shop.customers SET credit = credit + 5 WHERE id = ${ANY_CUSTOMER};`,
  },
  {
    what: 'visit',
    weight: 4,
    statements: `
      INSERT INTO shop.events (customer_id, kind, at, session, payload)
      SELECT visitor, 'view', now(), gen_random_uuid(), jsonb_build_object('path', '/view/' || n, 'trace', md5(random()::text))
        FROM (SELECT ${ANY_CUSTOMER} AS visitor) AS one, generate_series(1, 3) AS n;
      DELETE FROM shop.events WHERE id IN (SELECT id FROM shop.events ORDER BY at LIMIT 3);`,
  },
  {
    what: 'write a review',
    weight: 1,
    statements: `
      INSERT INTO shop.reviews (product_id, customer_id, stars, body, written_at)
      VALUES (${ANY_PRODUCT}, ${ANY_CUSTOMER}, 1 + floor(random() * 5)::int, 'Arrived as promised. ' || md5(random()::text), now());`,
  },
];

const LOTTERY = ACTIONS.flatMap((action) => Array.from({ length: action.weight }, () => action));
/** The journal keeps so many transactions; when it has twice as many, the older half is folded into its base. */
const KEPT = 20_000;
const NUMBER = z.object({ number: z.coerce.number() });

/** @param interval milliseconds between two transactions. */
export async function startWorkload(server: PrivateServer, interval: number): Promise<Workload> {
  const ending = new AbortController();
  // Not tied to ^C: what is under way is finished, and the server outlives it.
  const session = await openShop(server, new AbortController().signal);
  let confirmed = await lastNumber(session);
  let failure: unknown;

  async function work(): Promise<void> {
    let folded = confirmed;
    while (!ending.signal.aborted) {
      confirmed = await transact(session);
      if (confirmed - folded >= KEPT) {
        await session.run(`SELECT ledger.fold(${confirmed - KEPT})`);
        folded = confirmed;
      }
      await pause(interval, undefined, { signal: ending.signal }).catch(() => undefined /* it is to end */);
    }
  }

  async function workToTheEnd(): Promise<void> {
    try {
      await work();
    } catch (error) {
      failure = error;
    } finally {
      await session.close();
    }
  }

  const ended = workToTheEnd();
  return {
    confirmed: async () => confirmed,
    failure: () => failure,
    stop: async () => {
      ending.abort();
      await ended;
    },
  };
}

/** @returns the number of the transaction, once it is committed. */
async function transact(session: Session): Promise<number> {
  const action = LOTTERY[Math.floor(Math.random() * LOTTERY.length)];
  if (!action) throw new TypeError('no action to choose from');
  await session.run('BEGIN');
  const [entry] = await session.rows(NUMBER, 'SELECT ledger.begin($1) AS number', [action.what]);
  if (!entry) throw new TypeError('ledger.begin gives a number');
  await session.run(action.statements);
  await session.run('COMMIT');
  return entry.number;
}

async function lastNumber(session: Session): Promise<number> {
  const [head] = await session.rows(NUMBER, 'SELECT number FROM ledger.head');
  if (!head) throw new TypeError('a ledger has one head');
  return head.number;
}
