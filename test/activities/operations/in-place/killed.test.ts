/** One kill that is gone on from, and one that is gone back from; killed.fault.ts has the others. */
import { describeKills, JOURNAL } from './kills.ts';

describeKills('a restore in place whose process is killed', ({ killed, isRestored, isBack }) => {
  it('right after the old data were renamed: goes on', async () => {
    await killed('restore', { at: 'fs#rename', given: String.raw`\.before-` });
    await isRestored();
  });

  it('with the new server started: goes back', async () => {
    await killed('restore', { at: JOURNAL, nth: 9 });
    await isBack(['data.failed']);
  });
});
