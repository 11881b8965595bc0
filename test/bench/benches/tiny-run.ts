/** A run over ten tiny sources and one destination: what the machinery itself costs. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runPlan } from '../../../client/runs/run-plan.ts';
import { runId } from '../../../model/run.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { makeSite } from '../../support/site.ts';
import { plainSeries, resultOf } from './result-of.ts';
import { openSession, scheduledTimes } from './temporal.ts';
import type { Bench } from './types.ts';

const GOAL = 5_000;
const SOURCES = 10;
const SITE = 'test';
/** These runs are quick: more of them. */
const MORE = 2;

export const tinyRun: Bench = {
  name: 'tiny-run',
  async run({ data, work, rounds, signal, say }) {
    const { server } = await data.emptyPostgres();
    const sources: Record<string, SiteInput['sources'][string]> = {
      postgres: { type: 'postgres', connection: { host: server.socket, port: server.port } },
    };
    for (let index = 1; index < SOURCES; index++) {
      const folder = path.join(work, 'tiny', String(index));
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, 'settings.env'), `NUMBER=${index}\n`);
      sources[`files-${index}`] = { type: 'files', group: index % 2 === 0 ? 'apps' : 'configs', paths: [folder] };
    }
    const { file } = await makeSite({ folder: work, site: SITE, sources });
    const next = scheduledTimes();
    const session = await openSession(file);
    const runs: number[] = [];
    try {
      for (let round = 0; round < rounds * MORE; round++) {
        const scheduled = next();
        const report = await runPlan({
          session,
          // Named: the host's own source would be one more than the peers have.
          input: { site: SITE, plan: 'daily', scheduled, sources: Object.keys(sources) },
          signal,
          interval: 1_000,
          onProgress: () => {},
          onCancelFailed: (error) => say(String(error)),
        });
        assert.equal(report.outcome, 'complete', JSON.stringify(report));
        assert.equal(report.sources.length, SOURCES);
        const { startTime, closeTime } = await session.client.workflow.getHandle(runId('daily', scheduled)).describe();
        const milliseconds = (closeTime?.getTime() ?? Number.NaN) - startTime.getTime();
        say(`run ${round + 1} of ${rounds * MORE}: ${milliseconds} ms`);
        runs.push(milliseconds);
      }
    } finally {
      await session.close();
    }
    const settings = `one PostgreSQL and ${SOURCES - 1} folders in three phases, one directory; captured, copied, verified, signed; an own Temporal and worker in one process`;
    return [
      resultOf([plainSeries({ name: 'run', settings, runs, goal: GOAL })], {
        name: 'tiny-run',
        title: `A run over ${SOURCES} tiny sources and one destination: from the workflow's start to its end`,
        unit: 'ms',
        notes: ["By the workflow's own history. The first run finds a worker that has run nothing before."],
      }),
    ];
  },
};
