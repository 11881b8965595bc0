/** Shipping of logs, by real ticks on an own Temporal: what an idle one costs, how soon a commit is safe, how much it moves. */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { Session } from '../../../../client/runs/session.ts';
import { runPlan } from '../../../../client/runs/run-plan.ts';
import { runId, type RunReport } from '../../../../model/run.ts';
import { makeSite } from '../../../support/site.ts';
import { folderBytes } from '../../folder-bytes.ts';
import type { Result, Unit } from '../../result.ts';
import { plainSeries, resultOf } from '../result-of.ts';
import { openSession, scheduledTimes } from '../temporal.ts';
import type { Bench, Surroundings } from '../types.ts';
import { cpuSeconds } from './cpu.ts';
import { mariadbWithLogs } from './mariadb.ts';
import { postgresWithLogs } from './postgres.ts';
import type { LogServer } from './types.ts';

const SITE = 'test';
const IDLE_SECONDS = 1;
const IDLE_KB = 64;
/** These runs are quick: more of them. */
const MORE = 3;

export const logsPostgres: Bench = {
  name: 'logs-postgres',
  run: (surroundings) => measureLogs(surroundings, 'logs-postgres', postgresWithLogs),
};

export const logsMariadb: Bench = {
  name: 'logs-mariadb',
  run: (surroundings) => measureLogs(surroundings, 'logs-mariadb', mariadbWithLogs),
};

interface Tick {
  /** CPU seconds of worker and programs. */
  readonly cpu: number;
  /** Bytes that are stored in addition, in the repository. */
  readonly stored: number;
  /** Milliseconds since the epoch: when its workflow began, and ended with everything at the destination. */
  readonly began: number;
  readonly ended: number;
}

async function measureLogs(
  { data, work, rounds, signal, say }: Surroundings,
  name: string,
  start: (folder: string) => Promise<LogServer>,
): Promise<readonly Result[]> {
  const server = await start(path.join(work, 'server'));
  try {
    const { file, site } = await makeSite({ folder: work, site: SITE, sources: { data: server.source } });
    const session = await openSession(file);
    try {
      const next = scheduledTimes();
      const tick = (copies: number) =>
        runTick({ session, scheduled: next(), repository: site.repository, copies, signal, say });
      // A full first, as the schedule makes it; and a tick that sets up what lasts.
      await run({ session, plan: 'daily', scheduled: next(), signal, say });
      await server.commit();
      await tick(1);
      // MariaDB writes nothing where nothing happens, PostgreSQL the mark that says so.
      const idle = await several(rounds * MORE, 'idle', say, () => tick(0));
      const delays = await several(rounds * MORE, 'delay', say, async () => {
        await server.commit();
        const committed = Date.now();
        return (await tick(1)).ended - committed;
      });
      const speeds = await several(rounds, 'throughput', say, async () => {
        const bytes = await server.write(data.scale.logBytes);
        const { began, ended } = await tick(1);
        return { bytes, speed: bytes / 1e6 / ((ended - began) / 1000) };
      });
      const result = resultsOf(name, server.title);
      const megabytes = speeds.map(({ bytes }) => (bytes / 1e6).toFixed(0)).join(', ');
      return [
        result(
          'idle-cpu',
          'an idle tick: CPU of worker and programs',
          's',
          idle.map(({ cpu }) => cpu),
          IDLE_SECONDS,
        ),
        result(
          'idle-stored',
          'an idle tick: stored, once',
          'KB',
          idle.map(({ stored }) => stored / 1000),
          IDLE_KB,
        ),
        result('delay', 'from a commit to its copy at the destination, by a tick that begins then', 'ms', delays, null),
        result(
          'throughput',
          `logs of ${megabytes} MB to the destination`,
          'MB/s',
          speeds.map(({ speed }) => speed),
          null,
        ),
      ];
    } finally {
      await session.close();
    }
  } finally {
    await server.stop();
  }
}

const SETTINGS = 'the plan logs on an own Temporal: shipped, sealed, copied to one directory and confirmed';
const NOTES = [
  'CPU of the database server and of the embedded Temporal is not in it. The schedule adds up to its interval (5 minutes by default) to the delay.',
];

function resultsOf(name: string, server: string) {
  return (what: string, title: string, unit: Unit, runs: readonly number[], goal: number | null): Result =>
    resultOf([plainSeries({ name: 'tick', settings: SETTINGS, runs, goal })], {
      name: `${name}-${what}`,
      title: `${server}: ${title}`,
      unit,
      notes: NOTES,
    });
}

async function several<T>(
  count: number,
  what: string,
  say: Surroundings['say'],
  once: () => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 1; round <= count; round++) {
    const found = await once();
    say(`${what}: run ${round} of ${count}: ${JSON.stringify(found)}`);
    results.push(found);
  }
  return results;
}

interface RunJob {
  readonly session: Session;
  readonly plan: 'daily' | 'logs';
  readonly scheduled: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

interface TickJob extends Omit<RunJob, 'plan'> {
  readonly repository: string;
  /** How many it must make at least. */
  readonly copies: number;
}

async function runTick({ repository, copies, ...job }: TickJob): Promise<Tick> {
  const [before, cpu] = [await folderBytes(repository), cpuSeconds()];
  const { sources } = await run({ ...job, plan: 'logs' });
  const used = cpuSeconds() - cpu;
  const made = sources.flatMap((source) => source.copies).length;
  assert.ok(made >= copies, 'nothing was shipped and copied');
  const workflow = job.session.client.workflow.getHandle(runId('logs', job.scheduled));
  const { startTime, closeTime } = await workflow.describe();
  return {
    cpu: used,
    stored: (await folderBytes(repository)) - before,
    began: startTime.getTime(),
    ended: closeTime?.getTime() ?? Number.NaN,
  };
}

async function run({ session, plan, scheduled, signal, say }: RunJob): Promise<RunReport> {
  const report = await runPlan({
    session,
    input: { site: SITE, plan, scheduled },
    signal,
    interval: 1_000,
    onProgress: () => {},
    onCancelFailed: (error) => say(String(error)),
  });
  assert.equal(report.outcome, 'complete', JSON.stringify(report));
  return report;
}
