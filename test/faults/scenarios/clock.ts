/** The worker's clock jumps: a machine without a battery, a virtual machine that was suspended, somebody who sets the date. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readCatalogue } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { orderOf } from '../../../model/manifest.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireListed, requireSound } from '../sound.ts';
import { SLOW, slowly, underWay, type Trial } from '../trial.ts';

export const clock: readonly Scenario[] = [
  jumping('forward by three days', ['+0', '+3d'], true),
  jumping('back by three days', ['+0', '-3d']),
  jumping('forward by a year, and back', ['+0', '+365d', '+0']),
];

/**
 * @param times the offsets of the clock, one after the other: the first jump is in the middle of a capture, the others between runs,
 *   and the last run is by the last of them.
 */
function jumping(how: string, times: readonly string[], everyTime = false): Scenario {
  return {
    kind: 'clock jumps',
    title: `P51 ${how}, in the middle of a capture (stack)`,
    sources: ['stack'],
    everyTime,
    async play(trial) {
      const [first = '', second = '', ...more] = times;
      const file = path.join(trial.folder, 'clock');
      await writeFile(file, first);
      await trial.workerWith({
        LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1',
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_CACHE_DURATION: '1',
        // Timers go on: it is the clock on the wall that jumps.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        // The times of files are those of their disk.
        NO_FAKE_STAT: '1',
      });
      await slowly(trial, 'stack', SLOW.stack);
      const run = await trial.run(0);
      await underWay(trial, 'stack');
      await writeFile(file, second);
      await slowly(trial, 'stack', undefined);
      requireComplete(await run.report());
      await requireListed(trial, 1);
      for (const [index, time] of more.entries()) {
        await writeFile(file, time);
        requireComplete(await (await trial.run(1 + index)).report());
      }
      await requireSound(trial, 1 + more.length);
      const order = await orders(trial);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        'the chain is in the order in which it was made',
      );
      return 'complete; the chain in its order';
    },
  };
}

/** Of the backups of the source, in the order of their runs. */
async function orders({ repository }: Trial): Promise<readonly number[]> {
  const { backups } = await readCatalogue(repositoryStore(repository));
  return backups
    .map(({ manifest }) => manifest)
    .filter(({ source }) => source === 'stack')
    .toSorted((a, b) => a.scheduled.localeCompare(b.scheduled))
    .map(orderOf);
}
