/** Two runs at once, and a state folder that is lost. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { readCatalogue } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireListed, requireNoProcess, requireSound, requireTidy } from '../sound.ts';
import { slowly, underWay, type Trial } from '../trial.ts';
import { ownTemporal } from '../../support/ports.ts';

export const runs: readonly Scenario[] = [
  {
    kind: 'two runs at once',
    title: 'P49 of the same plan and time, by two commands (stack)',
    sources: ['stack'],
    async play(trial) {
      await trial.worker();
      const both = await Promise.all([1, 2].map(() => trial.command('run', 'daily', '--at', trial.time(0), '--json')));
      for (const { code, output } of both) assert.equal(code, 0, output);
      assert.deepEqual(JSON.parse(both[0]?.stdout ?? ''), JSON.parse(both[1]?.stdout ?? ''));
      await requireSound(trial, 1);
      return 'were one run';
    },
  },
  {
    kind: 'two runs at once',
    title: 'P49 of different times, on one source (stack)',
    sources: ['stack'],
    everyTime: true,
    async play(trial) {
      await slowly(trial, 'stack', '4MB');
      await trial.worker();
      const first = await trial.run(0);
      await underWay(trial, 'stack');
      const second = await trial.run(1);
      requireComplete(await first.report());
      requireComplete(await second.report());
      await slowly(trial, 'stack', undefined);
      await requireSound(trial, 2);
      return 'one after the other';
    },
  },
  {
    kind: 'two runs at once',
    title: 'P49 of different times, by two commands that each would start a Temporal (stack)',
    sources: ['stack'],
    site: async () => ({ temporal: await ownTemporal() }),
    async play(trial) {
      await slowly(trial, 'stack', '4MB');
      // Of two plans: of two runs of one plan the later may have its turn first, and then the other captures nothing any more.
      const plans = ['daily', 'weekly'];
      const both = await Promise.all(
        plans.map((plan, number) => trial.command('run', plan, '--at', trial.time(number))),
      );
      for (const { code, output } of both) {
        assert.equal(code, 0, output);
        assert.doesNotMatch(output, /moved aside/);
      }
      await requireListed(trial, 2, plans);
      await requireTidy(trial);
      await requireNoProcess(trial);
      return 'one started it, both ran on it';
    },
  },
  {
    kind: 'state lost',
    title: 'between two runs: a full with a warning (stack)',
    sources: ['stack'],
    everyTime: true,
    async play(trial) {
      await trial.worker();
      requireComplete(await (await trial.run(0)).report());
      await rm(trial.state, { recursive: true });
      requireComplete(await (await trial.run(1)).report());
      const [, second] = await manifests(trial, 'stack');
      assert.equal(second?.kind, 'full');
      assert.match(JSON.stringify(second.warnings), /is not in \S+ any more/);
      await requireSound(trial, 2);
      const [, , third] = await manifests(trial, 'stack');
      assert.equal(third?.kind, 'incremental');
      return 'a full, with a warning; then incrementals again';
    },
  },
  {
    kind: 'state lost',
    title: 'in the middle of a capture (stack)',
    sources: ['stack'],
    async play(trial) {
      const point = { at: 'activities/storage/repository.ts#sealBackup', signal: 'SIGSTOP' } as const;
      const worker = await trial.worker(point);
      const run = await trial.run(0);
      await trial.at(worker, point);
      await rm(trial.state, { recursive: true });
      worker.kill('SIGCONT');
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'went on by itself';
    },
  },
];

async function manifests({ repository }: Trial, source: string) {
  const { backups } = await readCatalogue(repositoryStore(repository));
  const own = backups.filter(({ manifest }) => manifest.source === source);
  return own.map(({ manifest }) => manifest).toSorted((a, b) => a.scheduled.localeCompare(b.scheduled));
}
