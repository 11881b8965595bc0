/** The sample's stack, running, with a backup at a destination and the logs behind it. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runPlan } from '../../../../client/runs/run-plan.ts';
import type { Session } from '../../../../client/runs/session.ts';
import { DATABASES } from '../../../../infra/quickstart/sample/engines.ts';
import { samplePlace } from '../../../../infra/quickstart/sample/place.ts';
import { makeStack } from '../../../../infra/quickstart/sample/stack.ts';
import type { RunReport } from '../../../../model/run.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import { ownTemporal } from '../../../support/ports.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { openSession } from '../temporal.ts';
import type { Surroundings } from '../types.ts';
import { grow } from './grow.ts';

/** Where everything is recovered from. */
export const VAULT = 'vault';

/** What each database writes behind its backup, so that there are logs to be replayed. */
const TRANSACTIONS = 100;

export interface BackedUp {
  readonly test: TestSite;
  readonly session: Session;
  /** Runs a plan to its end. */
  readonly run: (plan: string, more?: object) => Promise<RunReport>;
  readonly close: () => Promise<void>;
}

/**
 * The databases are those of `npm start`, in a folder of this bench, and end when it is backed up: what is recovered needs none of them.
 * @param copies of all tables of its databases, beside its own.
 */
export async function backUpStack({ work, signal, say }: Surroundings, copies: number): Promise<BackedUp> {
  const place = samplePlace({ MOSAIC_SAMPLE: path.join(work, 'sample') });
  await mkdir(place.keys, { recursive: true });
  say('making the sample');
  await Promise.all([makeStack(place.stack, signal), ...DATABASES.map((database) => database.make(place, signal))]);
  await using ending = new AsyncDisposableStack();
  const databases = await Promise.all(
    DATABASES.map(async (database) => {
      const server = await database.start(place);
      ending.defer(() => server.stop());
      await server.fill(signal);
      await grow(server, copies, signal);
      return { source: database.source, server };
    }),
  );
  const test = await makeSite({
    folder: work,
    sources: {
      ...Object.fromEntries(databases.map(({ source, server }) => [source, server.config])),
      stack: { type: 'files', group: 'configs', paths: [place.stack] },
    },
    plans: { drill: { scratch: path.join(work, 'scratch') } },
    temporal: await ownTemporal(),
  });
  const session = await openSession(test.file);
  try {
    const run = (plan: string, more = {}): Promise<RunReport> => runToEnd({ session, signal, say }, plan, more);
    const workloads = await Promise.all(databases.map(({ server }) => server.write()));
    assert.equal((await run('daily')).outcome, 'complete');
    for (const workload of workloads) {
      const written = await workload.confirmed();
      while ((await workload.confirmed()) < written + TRANSACTIONS) await pause(200, undefined, { signal });
      await workload.stop();
    }
    assert.equal((await run('logs')).outcome, 'complete');
    return { test, session, run, close: () => session.close() };
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function runToEnd(
  { session, signal, say }: { readonly session: Session } & Pick<Surroundings, 'signal' | 'say'>,
  plan: string,
  more: object,
): Promise<RunReport> {
  const report = await runPlan({
    session,
    input: { site: 'test', plan, scheduled: wholeSeconds(Date.now()), ...more },
    signal,
    interval: 1_000,
    onProgress: () => {},
    onCancelFailed: (error) => say(String(error)),
  });
  if (report.outcome !== 'complete') say(JSON.stringify(report));
  return report;
}
