import assert from 'node:assert/strict';
import { withTurn } from '../../../activities/operations/turns.ts';
import type { Work } from '../../../activities/work.ts';
import { testWork } from '../../support/work.ts';

describe('turns at a destination', () => {
  it('no more than allowed go at once, the others in the order in which they came, and each says that it waits', async () => {
    const bench = turns('vault');
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => bench.go(name, 2));
    await settled();
    assert.deepEqual(
      [bench.began, bench.waits],
      [
        ['a', 'b'],
        ['c', 'd', 'e'],
      ],
    );
    bench.end('b');
    await settled();
    assert.deepEqual(bench.began, ['a', 'b', 'c']);
    for (const name of ['a', 'c', 'd', 'e']) {
      bench.end(name);
      await settled();
    }
    await Promise.all(all);
    assert.deepEqual(bench.began, ['a', 'b', 'c', 'd', 'e']);
    assert.equal(bench.most, 2);
  });

  it('a slow destination keeps no other waiting', async () => {
    const [slow, other] = [turns('slow'), turns('other')];
    const stuck = [slow.go('a', 1), slow.go('b', 1)];
    const free = other.go('c', 1);
    await settled();
    assert.deepEqual(other.began, ['c']);
    other.end('c');
    await free;
    slow.end('a');
    await settled();
    slow.end('b');
    await Promise.all(stuck);
  });

  it('one that is cancelled while it waits leaves, and one that fails gives its turn on', async () => {
    const bench = turns('failing');
    const leaving = new AbortController();
    const first = bench.go('a', 1);
    const second = bench.go('b', 1, leaving.signal);
    const third = bench.go('c', 1);
    await settled();
    leaving.abort();
    await assert.rejects(second, { code: 'aborted' });
    bench.fail('a');
    await assert.rejects(first, /failed on purpose/);
    await settled();
    assert.deepEqual(bench.began, ['a', 'c']);
    bench.end('c');
    await third;
  });

  it('a limit that was raised meanwhile counts from the next one on; a lowered one lets no more begin', async () => {
    const bench = turns('raised');
    const all = [bench.go('a', 1), bench.go('b', 2)];
    await settled();
    assert.deepEqual(bench.began, ['a', 'b']);
    all.push(bench.go('c', 1));
    await settled();
    bench.end('a');
    await settled();
    assert.deepEqual(bench.began, ['a', 'b'], 'one still runs, and one is all that c allows');
    bench.end('b');
    await settled();
    bench.end('c');
    await Promise.all(all);
  });
});

function turns(place: string) {
  const began: string[] = [];
  const waits: string[] = [];
  const running = new Map<string, PromiseWithResolvers<void>>();
  const bench = {
    began,
    waits,
    most: 0,
    go(name: string, limit: number, signal = new AbortController().signal): Promise<void> {
      const work: Work = {
        ...testWork(),
        signal,
        progress: ({ phase }) => phase.startsWith('waiting') && waits.push(name),
      };
      return withTurn({ place, limit, work }, async () => {
        began.push(name);
        const ended = Promise.withResolvers<void>();
        running.set(name, ended);
        bench.most = Math.max(bench.most, running.size);
        try {
          await ended.promise;
        } finally {
          running.delete(name);
        }
      });
    },
    end: (name: string) => running.get(name)?.resolve(),
    fail: (name: string) => running.get(name)?.reject(new Error('failed on purpose')),
  };
  return bench;
}

function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
