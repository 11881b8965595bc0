import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { chooseProof, type Provable, type Tested } from '../../model/proof/choose.ts';
import { TIERS, type Tier } from '../../model/source.ts';

function provable(tier: Tier, place: string | null, day: number): Provable {
  const scheduled = new Date(Date.UTC(2026, 0, day, 2)).toISOString();
  return { backup: { reference: `${tier}/wiki/${day}-full`, sha256: `${tier}${day}` }, tier, scheduled, place };
}

/** A test of what was chosen, an hour later each. */
function tested({ backup, place }: Provable, number: number): Tested {
  return { backup, destination: place, time: new Date(Date.UTC(2026, 5, 1, number)).toISOString() };
}

describe('the choice of a restore test', () => {
  it('is nothing where nothing can be restored', () => {
    assert.equal(chooseProof([], [], 'seed'), null);
  });

  it('begins with the newest daily from a copy, and takes another one of it each time', () => {
    const all = [1, 2, 3, 4, 5].map((day) => provable('daily', 'vault', day));
    const tests: Tested[] = [];
    const ways: string[] = [];
    for (let number = 0; number < 4; number++) {
      const choice = chooseProof(
        [...all, provable('daily', null, 5)].filter(({ place }) => place !== null),
        tests,
        `run-${number}`,
      );
      assert.ok(choice);
      ways.push(`${choice.way} ${choice.scheduled.slice(8, 10)}`);
      tests.push(tested(choice, number));
    }
    assert.equal(ways[0], 'newest 05');
    assert.match(ways[1] ?? '', /^random 0[1-4]$/);
    assert.equal(ways[2], 'oldest 01');
    assert.equal(ways[3], 'newest 05');
  });

  it('prefers what was never proven, copies before the repository', () => {
    const all = [provable('daily', null, 5), provable('daily', 'vault', 5), provable('weekly', 'vault', 3)];
    const first = chooseProof(all, [], 'a');
    assert.deepEqual([first?.tier, first?.place], ['daily', 'vault']);
    const tests = first ? [tested(first, 0)] : [];
    const second = chooseProof(all, tests, 'b');
    assert.deepEqual([second?.tier, second?.place], ['daily', null]);
  });

  it('proves every tier at every place within as many tests as there are of them, again and again, whatever comes and goes', () => {
    const turns = fc.uniqueArray(
      fc.record({ tier: fc.constantFrom(...TIERS), place: fc.constantFrom(null, 'vault', 's3', 'rsync') }),
      { minLength: 1, maxLength: 16, selector: ({ tier, place }) => `${tier}/${place}` },
    );
    fc.assert(
      fc.property(turns, fc.integer({ min: 1, max: 9 }), fc.integer(), (of, count, seed) => {
        const tests: Tested[] = [];
        const round = (first: number): Set<string> => {
          const seen = new Set<string>();
          for (let number = first; number < first + of.length; number++) {
            // New backups come and old ones go between two tests.
            const now = of.flatMap(({ tier, place }) =>
              Array.from({ length: count }, (_, index) => provable(tier, place, 1 + number + index)),
            );
            const choice = chooseProof(now, tests, `${seed}-${number}`);
            assert.ok(choice);
            tests.push(tested(choice, number));
            seen.add(`${choice.tier}/${choice.place}`);
          }
          return seen;
        };
        assert.equal(round(0).size, of.length);
        assert.equal(round(of.length).size, of.length);
      }),
    );
  });

  it('is the same for the same seed, in whatever order things are listed', () => {
    const all = [1, 2, 3, 4, 5, 6].flatMap((day) => [provable('daily', 'vault', day), provable('weekly', 's3', day)]);
    const tests = all.slice(0, 3).map(tested);
    assert.deepEqual(chooseProof(all, tests, 'x'), chooseProof(all.toReversed(), tests.toReversed(), 'x'));
  });
});
