import assert from 'node:assert/strict';
import { checkAfter } from '../../../model/config/check-after.ts';
import { draftOf } from '../../../model/config/draft.ts';

describe('which source comes after which', () => {
  it('what could not end, and what there is not, is refused', () => {
    for (const [sources, why] of [
      [
        { a: { type: 'redis', after: ['b'] }, b: { type: 'redis', after: ['a'] } },
        /each would wait for the other: a after b after a/,
      ],
      [{ a: { type: 'redis', after: ['a'] } }, /each would wait for the other: a after a/],
      [{ a: { type: 'redis', after: ['bb'] }, b: { type: 'redis' } }, /there is no source "bb"/],
      [
        { a: { type: 'redis', after: ['b'] }, b: { type: 'files' } },
        /"b" is captured in the phase apps, which begins when that of "a" \(databases\) has ended/,
      ],
    ] as const)
      assert.match(problemsOf(sources)[0] ?? '', why);
  });

  it('an earlier phase, the same one, and two that come after one are as they should be', () => {
    const fine = { a: { type: 'redis' }, b: { type: 'redis', after: ['a'] }, c: { type: 'files', after: ['a', 'b'] } };
    assert.deepEqual(problemsOf(fine), []);
  });
});

function problemsOf(sources: object): readonly string[] {
  return checkAfter(draftOf({ sources })).map(({ message }) => message);
}
