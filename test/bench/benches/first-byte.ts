/** How soon after the start of a capture's activity its first byte is in the artifact: compressed and encrypted. */
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runPlan } from '../../../client/runs/run-plan.ts';
import type { Session } from '../../../client/runs/session.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { BackupError } from '../../../model/errors.ts';
import { STAGING } from '../../../model/paths.ts';
import { runId } from '../../../model/run.ts';
import { makeSite } from '../../support/site.ts';
import { plainSeries, resultOf } from './result-of.ts';
import { openSession, scheduledTimes } from './temporal.ts';
import type { Bench } from './types.ts';

const GOAL = 1_000;
const SITE = 'test';
/** These runs are quick: more of them. */
const MORE = 2;
const LOOK_EVERY = 5;
const CLEAN_WITHIN = 30_000;
/** age writes its header before it has read anything, and then blocks of 64 KiB. */
const HEADER = 4_096;

export const firstByte: Bench = {
  name: 'first-byte',
  async run({ data, work, rounds, signal, say }) {
    const [{ server }, tree] = [await data.postgres(), await data.tree()];
    const sources = {
      postgres: { type: 'postgres', connection: { host: server.socket, port: server.port } },
      files: { type: 'files', paths: [tree.root] },
    } satisfies SiteInput['sources'];
    const { file, site } = await makeSite({ folder: work, site: SITE, sources });
    const next = scheduledTimes();
    const session = await openSession(file);
    const results = [];
    try {
      for (const source of ['postgres', 'files'] as const) {
        const runs: number[] = [];
        for (let round = 0; round < rounds * MORE; round++) {
          const job = { session, source, scheduled: next(), repository: site.repository, signal, say };
          runs.push(await untilFirstByte(job));
          say(`run ${round + 1} of ${rounds * MORE}: ${source}: ${runs.at(-1)} ms`);
        }
        const settings = 'a run on an own Temporal, which is cancelled once the first byte is in the file';
        results.push(
          resultOf([plainSeries({ name: source, settings, runs, goal: GOAL })], {
            name: `first-byte-${source}`,
            title: `${source}: from the start of the capture's activity to its first byte in the artifact`,
            unit: 'ms',
            notes: [],
          }),
        );
      }
    } finally {
      await session.close();
    }
    return results;
  },
};

interface Job {
  readonly session: Session;
  readonly source: string;
  readonly scheduled: string;
  readonly repository: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

async function untilFirstByte({ session, source, scheduled, repository, signal, say }: Job): Promise<number> {
  const enough = new AbortController();
  const run = runPlan({
    session,
    input: { site: SITE, plan: 'daily', scheduled, sources: [source] },
    signal: AbortSignal.any([signal, enough.signal]),
    interval: 60_000,
    onProgress: () => {},
    onCancelFailed: (error) => say(String(error)),
  });
  const seen = firstByteAt(path.join(repository, STAGING), enough.signal);
  try {
    const arrived = await Promise.race([seen, run.then(unseen)]);
    const child = session.client.workflow.getHandle(`${runId('daily', scheduled)}/${source}`);
    const { raw } = await child.describe();
    const [activity] = raw.pendingActivities ?? [];
    const { seconds, nanos } = activity?.lastStartedTime ?? {};
    assert.ok(seconds, 'the capture is not running any more: its data are too small for this');
    return Math.round(arrived - Number(seconds) * 1_000 - (nanos ?? 0) / 1e6);
  } finally {
    enough.abort();
    await run.catch(requireCancelled);
    await seen.catch(() => undefined);
    await untilClean(path.join(repository, STAGING), signal);
  }
}

/** Milliseconds since the epoch. */
async function firstByteAt(staging: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    const attempts = await readdir(staging).catch(() => []);
    for (const attempt of attempts) {
      const found = await stat(path.join(staging, attempt, 'base.tar.zst.age')).catch(() => undefined);
      if (found && found.size > HEADER) return Date.now();
    }
    await pause(LOOK_EVERY, undefined, { signal });
  }
}

/** The cancelled capture has removed what it had begun: the next one must not be taken for it. */
async function untilClean(staging: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + CLEAN_WITHIN;
  while ((await readdir(staging)).length > 0) {
    if (Date.now() > deadline) throw new Error(`a cancelled capture left something in ${staging}`);
    await pause(LOOK_EVERY, undefined, { signal });
  }
}

function unseen(): never {
  throw new Error('the run ended before its first byte was seen');
}

function requireCancelled(error: unknown): void {
  if (!(error instanceof BackupError && error.code === 'aborted')) throw error;
}
