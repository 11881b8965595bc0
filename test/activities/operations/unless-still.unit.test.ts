import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { unlessStill } from '../../../activities/operations/unless-still.ts';
import { BackupError } from '../../../model/errors.ts';
import { testWork } from '../../support/work.ts';

const STILL = 300;
const REPORT = { phase: 'copying', bytes: 1, total: null, activity: 0 };

describe('work that may not stand still', () => {
  it('may take as long as it moves', async () => {
    const work = testWork({ standstill: STILL });
    const result = await unlessStill({ what: 'a copy', work }, async (watched) => {
      for (let turn = 0; turn < 10; turn++) {
        watched.progress(REPORT);
        await pause(STILL / 5);
      }
      return 'done';
    });
    assert.equal(result, 'done');
    assert.equal(work.reports.length, 10);
  });

  it('is cancelled when it stands still, and left behind when it does not even end then', async function () {
    this.timeout(20_000);
    for (const ends of [true, false]) {
      const work = testWork({ standstill: STILL });
      const stopped = unlessStill({ what: 'the copy to vault', work }, ({ signal }) =>
        ends ? pause(60_000, undefined, { signal, ref: false }) : new Promise(() => {}),
      );
      await assert.rejects(
        stopped,
        (error) =>
          error instanceof BackupError && error.code === 'standstill' && /the copy to vault/.test(error.message),
      );
    }
  });

  it('fails with what it failed with, and is cancelled with its caller', async () => {
    const work = testWork({ standstill: 60_000 });
    const error = new BackupError('no-space', 'full');
    await assert.rejects(
      unlessStill({ what: 'a copy', work }, () => Promise.reject(error)),
      error,
    );
    const running = unlessStill({ what: 'a copy', work }, ({ signal }) =>
      pause(60_000, undefined, { signal, ref: false }),
    );
    work.abort();
    await assert.rejects(running, { name: 'AbortError' });
  });
});
