/** A paused attempt (SIGSTOP) that wakes after its retry on a second worker has done the work: it publishes nothing. */
import { openProxy } from '../../support/proxy.ts';
import { until } from '../../support/until.ts';
import type { SignalPoint } from '../../support/worker-process.ts';
import type { Scenario } from '../scenario.ts';
import { isTidy, requireComplete, requireListed, requireSound, requireWhole } from '../sound.ts';
import type { SourceName } from '../trial.ts';

interface ZombiePoint extends Pick<SignalPoint, 'at' | 'matching'> {
  readonly name: string;
  readonly source: SourceName;
  /** Temporal still takes its open connections for a living worker, and gives it tasks for a while. */
  readonly connected?: boolean;
  readonly everyTime?: boolean;
}

const SEAL = 'activities/storage/repository.ts#sealBackup';

// prettier-ignore
const POINTS: readonly ZombiePoint[] = [
  { name: 'before its seal', at: SEAL, source: 'stack', everyTime: true },
  { name: 'before its seal', at: SEAL, source: 'db' },
  { name: 'before its seal', at: SEAL, source: 'wiki' },
  { name: 'before its seal', at: SEAL, source: 'cache' },
  { name: 'before its seal, its connections open,', at: SEAL, source: 'stack', connected: true },
  { name: 'between the check of its lease and the rename', at: 'fs#rename', matching: String.raw`/\.staging/(stack|db|wiki|cache)-`, source: 'stack' },
  { name: 'as its stream begins', at: 'activities/streams/write.ts#writeStream', source: 'db' },
  { name: 'in a copy', at: 'activities/storage/read-back.ts#readBack', source: 'stack' },
  { name: "before the copy's manifest", at: 'activities/storage/manifest-file.ts#encodeManifest', source: 'stack' },
];

export const zombie: readonly Scenario[] = POINTS.map(({ name, source, connected, everyTime, ...where }) => ({
  kind: 'zombie',
  title: `P49 paused ${name} awake after its retry (${source})`,
  sources: [source],
  everyTime: everyTime === true,
  async play(trial) {
    const point = { ...where, signal: 'SIGSTOP' } as const;
    const link = await openProxy(trial.lab.temporal.address);
    try {
      const first = await trial.worker(point, link.address);
      const run = await trial.run();
      await trial.at(first, point);
      if (connected !== true) link.cut();
      await requireWhole(trial);
      await trial.worker();
      requireComplete(await run.report());
      await requireListed(trial, 1);
      link.mend();
      first.kill('SIGCONT');
      await until('the zombie to clean up', () => isTidy(trial), 10_000);
      await requireListed(trial, 1);
      await requireSound(trial, 1);
    } finally {
      await trial.end();
      await link.close();
    }
    return 'published nothing, left nothing';
  },
}));
