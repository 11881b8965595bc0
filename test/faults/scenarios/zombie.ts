/** A paused attempt (SIGSTOP) that wakes after its retry on a second worker has done the work: it publishes nothing. */
import { until } from '../../support/until.ts';
import type { SignalPoint } from '../../support/worker-process.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireListed, requireSound, requireTidy } from '../sound.ts';
import type { SourceName } from '../trial.ts';

interface ZombiePoint extends Pick<SignalPoint, 'at' | 'matching'> {
  readonly name: string;
  readonly source: SourceName;
  readonly everyTime?: boolean;
}

const POINTS: readonly ZombiePoint[] = [
  { name: 'before its seal', at: 'activities/storage/repository.ts#sealBackup', source: 'stack', everyTime: true },
  { name: 'before its seal', at: 'activities/storage/repository.ts#sealBackup', source: 'db' },
  {
    name: 'between the check of its lease and the rename',
    at: 'fs#rename',
    matching: String.raw`/\.staging/(stack|db)-`,
    source: 'stack',
  },
  { name: 'as its stream begins', at: 'activities/streams/write.ts#writeStream', source: 'db' },
  { name: 'in a copy', at: 'activities/storage/read-back.ts#readBack', source: 'stack' },
  { name: "before the copy's manifest", at: 'activities/storage/manifest-file.ts#encodeManifest', source: 'stack' },
];

export const zombie: readonly Scenario[] = POINTS.map(({ name, source, everyTime, ...where }) => ({
  kind: 'zombie',
  title: `P49 paused ${name}, awake after its retry (${source})`,
  sources: [source],
  everyTime: everyTime === true,
  async play(trial) {
    const point = { ...where, signal: 'SIGSTOP' } as const;
    const first = await trial.worker(point);
    const run = await trial.run();
    await trial.at(first, point);
    await trial.worker();
    requireComplete(await run.report());
    await requireListed(trial, 1);
    first.kill('SIGCONT');
    await until(
      'the zombie to clean up',
      () =>
        requireTidy(trial).then(
          () => true,
          () => false,
        ),
      10_000,
    );
    await requireListed(trial, 1);
    await requireSound(trial, 1);
    return 'published nothing, left nothing';
  },
}));
