/**
 * A full plan of three databases and three destinations, with hooks, killed at every boundary of every step of its graph and inside each:
 * first its worker, then Temporal. The points come from the graph of the run itself.
 */
import assert from 'node:assert/strict';
import type { SiteInput } from '../../../model/config/site.ts';
import { startRemotes } from '../../support/remote-site.ts';
import { notedHooks, requireBrackets } from '../brackets.ts';
import { mark } from '../contents.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireSound, wholeness } from '../sound.ts';
import { hitFolder, killAtEach, killTemporalAtEach, POINTS, requireEveryPoint, type Point } from '../step-kills.ts';
import type { SourceName, Trial } from '../trial.ts';

/** Long enough for steps that die and die again; the rest is as in every trial. */
const PATIENT = {
  captureDeadline: '30m',
  copyDeadline: '30m',
  verifyDeadline: '30m',
  retryFirst: '50ms',
  retryMax: '200ms',
  heartbeat: '2s',
  standstill: '30s',
  busy: '30s',
};

export const graphKilled: readonly Scenario[] = [
  {
    kind: 'graph killed',
    title:
      'P42 P49 the worker, at every boundary of every step and inside it (cache, db, wiki; three destinations, hooks)',
    sources: ['cache', 'db', 'wiki'],
    minutes: 25,
    play: (trial) => withAll(trial, true, (hit) => killWorkers(trial, hit, POINTS)),
  },
  {
    kind: 'graph killed',
    title: 'P49 the worker, at every step that is done, and nobody knows (stack)',
    sources: ['stack'],
    everyTime: true,
    async play(trial) {
      await trial.configure((config) => ({ ...config, plans: { ...config.plans, daily: PATIENT } }));
      return killWorkers(trial, await hitFolder(trial), ['left']);
    },
  },
  {
    kind: 'graph killed',
    title: 'P49 Temporal, while each step is at work (stack)',
    sources: ['stack'],
    alone: 'all',
    everyTime: true,
    async play(trial) {
      await trial.configure((config) => ({ ...config, plans: { ...config.plans, daily: PATIENT } }));
      return killTemporal(trial, await hitFolder(trial), ['inside']);
    },
  },
  {
    kind: 'graph killed',
    title:
      'P49 Temporal, at every boundary of every step, and while one of each kind is at work (wiki, cache, db; three destinations, hooks)',
    // In another order, so that each is restored from another destination than above.
    sources: ['wiki', 'cache', 'db'],
    alone: 'all',
    minutes: 25,
    play: (trial) => withAll(trial, false, (hit) => killTemporal(trial, hit, POINTS)),
  },
];

/**
 * Besides the vault a bucket and a server; hooks of the plan and of one source, which another comes after.
 * @param dead as in `requireBrackets`.
 */
async function withAll(trial: Trial, dead: boolean, play: (hit: string) => Promise<string>): Promise<string> {
  const remotes = await startRemotes();
  try {
    const [bucket, server] = await Promise.all([
      remotes.remote('s3', trial.folder),
      remotes.remote('rsync', trial.folder),
    ]);
    const hooks = notedHooks(trial);
    await trial.configure((config) => ({
      ...config,
      sources: {
        ...config.sources,
        wiki: { ...sourceOf(config, 'wiki'), hooks },
        cache: { ...sourceOf(config, 'cache'), after: ['wiki'] },
      },
      destinations: { ...config.destinations, bucket: bucket.config, server: server.config },
      plans: { ...config.plans, daily: { ...PATIENT, hooks } },
    }));
    const outcome = await play(await hitFolder(trial));
    await requireBrackets(trial, { runs: 2, source: 'wiki', next: 'cache', dead });
    return `${outcome}; brackets closed`;
  } finally {
    await remotes.close();
  }
}

function sourceOf({ sources }: SiteInput, name: SourceName): SiteInput['sources'][string] {
  const source = sources[name];
  assert.ok(source, name);
  return source;
}

/** Each worker dies at the first point that none before has reached; the next one goes on. */
async function killWorkers(trial: Trial, hit: string, points: readonly Point[]): Promise<string> {
  // Beside each other: what is listed is whole at any moment.
  const beside = wholeness(trial);
  await mark(trial, 0);
  const { run, deaths } = await killAtEach(trial, { hit, points, start: () => trial.run(), beside });
  const { steps, met } = await requireEveryPoint(trial, run, { hit, points });
  assert.equal(deaths, met);
  requireComplete(await run.report());
  await requireSound(trial, 1);
  return `${deaths} deaths at ${steps} steps in one run: complete, nothing twice, nothing half`;
}

async function killTemporal(trial: Trial, hit: string, points: readonly Point[]): Promise<string> {
  await mark(trial, 0);
  const { run, kills } = await killTemporalAtEach(trial, { hit, points, start: () => trial.run() });
  const { steps, met } = await requireEveryPoint(trial, run, { hit, points, inside: 'kinds' });
  assert.equal(kills, met);
  requireComplete(await run.report());
  await requireSound(trial, 1);
  return `${kills} deaths at ${steps} steps in one run: complete, nothing twice, nothing half`;
}
