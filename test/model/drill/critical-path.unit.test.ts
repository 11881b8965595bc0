import assert from 'node:assert/strict';
import { criticalPath } from '../../../model/drill/critical-path.ts';
import { timedStep } from '../../support/drills.ts';

function steps(source: string, ...at: readonly number[]) {
  return ['fetch', 'restore', 'start', 'probe'].map((name, index) =>
    timedStep({ id: `${source}/${name}`, from: at[index] ?? 0, to: at[index + 1] ?? null }),
  );
}

/** Those of one that needs others. */
function stepsAfter(needed: string, ...of: Parameters<typeof steps>) {
  const [first, ...others] = steps(...of);
  return [{ ...(first ?? assert.fail()), after: ['choose', `${needed}/probe`] }, ...others];
}

const BEFORE = [
  timedStep({ id: 'declare', from: -60, to: 0 }),
  timedStep({ id: 'provision', from: 0, to: 12 }),
  timedStep({ id: 'choose', from: 12, to: 22 }),
];

describe('the critical path of a drill', () => {
  it('is what the last step waited for: its source, the one that had to be up before, and what came before both', () => {
    const all = [
      ...BEFORE,
      ...steps('wiki', 22, 24, 150, 150, 160),
      ...steps('db', 22, 30, 190, 200, 205),
      ...stepsAfter('db', 'cache', 205, 207, 280, 290, 300),
      // What comes later is waited for by nobody.
      timedStep({ id: 'measure', from: 300, to: 301 }),
      timedStep({ id: 'report', from: 301, to: 310 }),
      timedStep({ id: 'tear-down', from: 310, to: 400 }),
    ];
    const of = (source: string) => ['fetch', 'restore', 'start', 'probe'].map((name) => `${source}/${name}`);
    const expected = ['declare', 'provision', 'choose', ...of('db'), ...of('cache')];
    assert.deepEqual(criticalPath(all), expected);
    assert.deepEqual(criticalPath(all.toReversed()), expected, 'in whatever order they are listed');
  });

  it('has whatever had taken its place, and the word that was waited for', () => {
    const all = [
      ...BEFORE,
      timedStep({ id: 'confirm/restore', from: 22, to: 82 }),
      ...steps('big', 82, 90, 190, 190, 200),
      // One at a time: it needs nothing of the other, but that it is restored.
      ...steps('small', 192, 194, 203, 203, 204),
      timedStep({ id: 'confirm/probe', from: 204, to: 210 }),
    ];
    assert.deepEqual(
      criticalPath(all),
      all.map(({ id }) => id).filter((id) => id !== 'big/start' && id !== 'big/probe'),
    );
  });

  it('has of others no start and no probe that happened to end just before, and the restore that failed and gave its place', () => {
    const [opened, failed] = steps('bad', 22, 30, 100);
    const all = [
      ...BEFORE,
      opened ?? assert.fail(),
      { ...(failed ?? assert.fail()), state: 'failed' as const },
      ...steps('quick', 22, 23, 24, 101, 103),
      ...steps('last', 104, 106, 200, 210, 220),
    ];
    const of = ['fetch', 'restore', 'start', 'probe'].map((name) => `last/${name}`);
    assert.deepEqual(criticalPath(all), ['declare', 'provision', 'choose', 'bad/fetch', 'bad/restore', ...of]);
  });

  it('has the start that failed of one that had to be up before', () => {
    const [fetched, restored, started] = steps('db', 22, 30, 90, 200);
    const all = [
      ...BEFORE,
      ...steps('wiki', 22, 24, 150, 150, 160),
      ...[fetched, restored].map((step) => step ?? assert.fail()),
      { ...(started ?? assert.fail()), state: 'failed' as const },
      ...stepsAfter('db', 'cache', 200, 207, 280, 290, 300),
    ];
    const of = ['fetch', 'restore', 'start', 'probe'].map((name) => `cache/${name}`);
    const before = ['declare', 'provision', 'choose', 'db/fetch', 'db/restore', 'db/start'];
    assert.deepEqual(criticalPath(all), [...before, ...of]);
  });

  it('has nothing of what has not ended, and is empty where nothing has', () => {
    assert.deepEqual(criticalPath([...BEFORE, ...steps('wiki', 22, 24)]), [
      'declare',
      'provision',
      'choose',
      'wiki/fetch',
    ]);
    assert.deepEqual(criticalPath([]), []);
  });
});
