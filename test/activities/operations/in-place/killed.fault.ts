/** A kill at each further boundary of a restore in place. */
import assert from 'node:assert/strict';
import { resumeInPlace } from '../../../../activities/operations/in-place/index.ts';
import { isBackupError } from '../../../support/errors.ts';
import { describeKills, JOURNAL } from './kills.ts';

describeKills(
  'faults of a restore in place: its process is killed',
  ({ server, request, killed, isRestored, isBack }) => {
    it('before what was restored has its name: nothing was done, and resuming says so', async () => {
      await killed('restore', { at: JOURNAL, nth: 1 });
      const error = await isBackupError(resumeInPlace(await request()), 'failed');
      assert.match(error.message, /All is as it was before/);
      assert.deepEqual(await server().sql('SELECT count(*)::int AS n FROM t'), [{ n: 2 }]);
    });

    it('while schedules are paused: goes on', async () => {
      await killed('restore', { at: JOURNAL, nth: 2 });
      await isRestored();
    });

    it('before the server is stopped: goes back', async () => {
      await killed('restore', { at: JOURNAL, nth: 4 });
      await isBack();
    });

    it('with the server stopped: goes back, and it runs again', async () => {
      await killed('restore', { at: JOURNAL, nth: 5 });
      await isBack();
    });

    it('with the server stopped and what it had not shipped saved: goes on', async () => {
      await killed('restore', { at: JOURNAL, nth: 6 });
      await isRestored();
    });

    it('right after the old data were renamed: goes back', async () => {
      await killed('restore', { at: 'fs#rename', given: String.raw`\.before-` });
      await isBack();
    });

    it('right after the new data were put in: goes on', async () => {
      await killed('restore', { at: 'fs#rename', nth: 2, given: String.raw`\.restored-` });
      await isRestored();
    });

    it('right after the new data were put in: goes back, and a kill of the way back is gone on from', async () => {
      await killed('restore', { at: 'fs#rename', nth: 2, given: String.raw`\.restored-` });
      await killed('undo', { at: 'fs#rename', given: String.raw`\.failed-` });
      await killed('undo', { at: 'fs#rename', given: String.raw`\.before-` });
      await isBack(['data.failed']);
    });

    it('with only the notes to be made: goes on', async () => {
      await killed('restore', { at: JOURNAL, nth: 10 });
      await isRestored();
    });
  },
);
