/** Very many backups, here and in a bucket: listed the first time, when each manifest is read, and again; and their prune planned. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeSite } from '../../../support/site.ts';
import { stopGateways } from '../../../support/versitygw.ts';
import { SOURCES, writeManifests } from '../../data/manifests.ts';
import type { Result } from '../../result.ts';
import { plainSeries, resultOf } from '../result-of.ts';
import type { Bench, Surroundings } from '../types.ts';
import { moveToBucket } from './bucket.ts';
import { SETTINGS, timedCommand } from './command.ts';

/** Longer than a change could go unseen: younger manifests are not remembered. */
const SETTLED = 3_000;
/** Seconds that planning may take on top of listing. */
const PLAN_GOAL = 10;

export const listing: Bench = {
  name: 'listing',
  async run(surroundings) {
    const { data, work, signal, say } = surroundings;
    const count = data.scale.manifests;
    const sources = Object.fromEntries(
      Array.from({ length: SOURCES }, (_, index) => [`source-${index}`, { type: 'postgres' as const }]),
    );
    const folder = path.join(work, 'site');
    await mkdir(folder);
    const made = await makeSite({ folder, sources, destinations: {} });
    await writeManifests(made.site, count);
    say(`${count} manifests written`);
    await new Promise((done) => setTimeout(done, SETTLED));
    const local = await measurePlace(surroundings, {
      suffix: '',
      title: `${count} backups in the repository`,
      file: made.file,
      state: made.site.state,
      args: [],
      goal: 5,
      firsts: surroundings.rounds,
    });
    try {
      const file = await moveToBucket(made, work, signal);
      say('all of them are in a bucket now');
      const remote = await measurePlace(surroundings, {
        suffix: '-s3',
        title: `${count} backups in a bucket of versitygw on loopback`,
        file,
        state: path.join(path.dirname(file), 'state'),
        args: ['--destination', 'remote'],
        goal: 60,
        // Minutes long, and without a goal.
        firsts: 1,
      });
      return [...local, ...remote];
    } finally {
      await stopGateways();
    }
  },
};

interface Place {
  readonly suffix: string;
  readonly title: string;
  readonly file: string;
  readonly state: string;
  /** Further arguments of both commands. */
  readonly args: readonly string[];
  /** Seconds that listing may take. */
  readonly goal: number;
  /** Rounds in which nothing is remembered at first. */
  readonly firsts: number;
}

async function measurePlace({ rounds, signal, say }: Surroundings, place: Place): Promise<readonly Result[]> {
  const { suffix, title, file, args, goal } = place;
  const first: number[] = [];
  const again: number[] = [];
  const more: number[] = [];
  const peaks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round < place.firsts) {
      await rm(path.join(place.state, 'catalogue'), { recursive: true, force: true });
      first.push((await timedCommand(file, ['list', ...args], signal)).seconds);
    }
    const listed = await timedCommand(file, ['list', ...args], signal);
    const planned = await timedCommand(file, ['prune', ...args], signal);
    again.push(listed.seconds);
    more.push(planned.seconds - listed.seconds);
    peaks.push(Math.max(listed.peak, planned.peak));
    const lasted = [first.at(-1) ?? Number.NaN, listed.seconds, planned.seconds].map((each) => `${each.toFixed(2)} s`);
    say(`run ${round + 1} of ${rounds}: ${title}: first ${lasted[0]}, again ${lasted[1]}, planned ${lasted[2]}`);
  }
  const notes = [`Peak memory of a process: ${peaks.map((peak) => `${(peak / 1e6).toFixed(0)} MB`).join(', ')}.`];
  const settings = `mosaic-backup --json ${['list', ...args].join(' ')}, ${SETTINGS}`;
  return [
    resultOf([plainSeries({ name: 'again', settings, runs: again, goal })], {
      name: `listing-again${suffix}`,
      title: `Listing of ${title}, with what is remembered`,
      unit: 's',
      notes,
    }),
    resultOf([plainSeries({ name: 'first', settings, runs: first, goal: null })], {
      name: `listing-first${suffix}`,
      title: `Listing of ${title}, each manifest read`,
      unit: 's',
      notes: [],
    }),
    resultOf(
      [plainSeries({ name: 'planned', settings: settings.replace('list', 'prune'), runs: more, goal: PLAN_GOAL })],
      {
        name: `prune-plan${suffix}`,
        title: `Planning of a prune over ${title}: what it takes more than the listing before it`,
        unit: 's',
        notes: [],
      },
    ),
  ];
}
