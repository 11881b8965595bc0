/** The light write load on Redis: a few transactions a second, never paused, each written down in the ledger. */
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Asking } from '../../../../activities/sources/redis/client.ts';
import type { Workload } from '../database.ts';
import { readJournal, runScript, transact, type Words } from './scripts.ts';

/** Sessions end after twenty minutes. */
const SESSION = 20 * 60_000;
/** The journal keeps so many transactions; when it has twice as many, the older half is folded into its base. */
const KEPT = 10_000;

interface Action {
  readonly what: string;
  readonly commands: () => readonly Words[];
}

const ACTIONS: readonly Action[] = [
  { what: 'log in', commands: () => sessionOf(randomUUID(), 1) },
  {
    what: 'view a page',
    commands: () => {
      const page = randomInt(1, 20_001);
      return [
        [0, 'INCR', `hits:${page}`],
        [0, 'SET', `seen:${page}`, randomUUID(), 'PX', 60_000],
        [2, 'XADD', 'events', 'MAXLEN', 400, '*', 'kind', 'view', 'page', page],
        [2, 'ZINCRBY', `ranking:${page % 50}`, 1, `page:${page}`],
      ];
    },
  },
  {
    what: 'renew a cached page',
    commands: () => [[0, 'SET', `cache:page:${randomInt(1, 20_001)}`, `<article>${randomUUID()}</article>`]],
  },
  {
    what: 'drop a cached page',
    commands: () => [[0, 'DEL', `cache:page:${randomInt(1, 20_001)}`]],
  },
  {
    what: 'queue a mail',
    commands: () => [[2, 'RPUSH', 'queue:mail', JSON.stringify({ template: 'received', trace: randomUUID() })]],
  },
  { what: 'send mails', commands: () => [[2, 'LPOP', 'queue:mail', 2]] },
  {
    what: 'sell a product',
    commands: () => {
      const product = randomInt(1, 20_001);
      return [
        [0, 'HINCRBY', `product:${product}`, 'stock', -1],
        [2, 'SADD', 'tag:sold', `product:${product}`],
        [2, 'SPOP', 'tag:sold', product % 3],
      ];
    },
  },
];

/** @param interval milliseconds between two transactions. */
export async function startWorkload(asking: Asking, interval: number, kept = KEPT): Promise<Workload> {
  const ending = new AbortController();
  let { head: confirmed } = await readJournal(asking, 1, 1);
  let failure: unknown;

  async function work(): Promise<void> {
    let folded = confirmed;
    while (!ending.signal.aborted) {
      const { what, commands } = ACTIONS[randomInt(ACTIONS.length)] ?? fail();
      confirmed = await transact(asking, what, commands());
      if (confirmed - folded >= kept) {
        await runScript(asking, 'fold', [confirmed - kept]);
        folded = confirmed;
      }
      await pause(interval, undefined, { signal: ending.signal }).catch(() => undefined /* it is to end */);
    }
  }

  const ended = work().catch((error: unknown) => (failure = error));
  return {
    confirmed: async () => confirmed,
    failure: () => failure,
    stop: async () => {
      ending.abort();
      await ended;
    },
  };
}

/** Many sessions in one transaction. */
export function openSessions(asking: Asking, count: number): Promise<number> {
  return transact(
    asking,
    'log in',
    Array.from({ length: count }, () => sessionOf(randomUUID(), randomInt(1, SESSION / 1000))).flat(),
  );
}

/** @param age in seconds: how long ago it began. */
function sessionOf(id: string, age: number): readonly Words[] {
  const key = `session:${id}`;
  return [
    [1, 'HSET', key, 'user', randomInt(1, 200), 'address', `192.0.2.${randomInt(1, 255)}`, 'trace', randomUUID()],
    [1, 'PEXPIREAT', key, Date.now() - age * 1000 + SESSION],
  ];
}

function fail(): never {
  throw new TypeError('no action to choose from');
}
