/** `npm start`: a stack that lives, its daily backup, and the proof that it restores. */
import type { Cli } from '../../client/cli/context.ts';
import { untilInterrupted } from '../../client/cli/until-interrupted.ts';
import type { Session } from '../../client/runs/session.ts';
import type { Site } from '../../activities/site.ts';
import { exitStatus } from '../../model/errors.ts';
import type { RunReport } from '../../model/run.ts';
import type { QuickstartArguments } from './arguments.ts';
import { sampleComparison, type Written } from './compare-sample.ts';
import type { DailyRun } from './daily.ts';
import type { Proof } from './prove.ts';
import { makeSample, reopenSample, tidySample, type OpenOptions, type Sample } from './sample/open.ts';
import { REMOTES } from './sample/remotes.ts';
import { claimPlace, isComplete, type SamplePlace } from './sample/place.ts';

export async function sample(cli: Cli, place: SamplePlace, { once }: QuickstartArguments): Promise<void> {
  forgetOtherTemporal(cli.env);
  // Ended in the opposite order: the loads, then worker and Temporal, then the databases under them.
  await using ending = new AsyncDisposableStack();
  const lease = await claimPlace(place, cli.signal);
  ending.defer(() => lease.release());
  const { opened, session } = await openAll(cli, place, ending);
  const written = await startLoads(opened, ending);

  const { runDaily, runRestoreTest, proveRun, isProven, runExitStatus, shipLogs } = await runModules();
  const site = await cli.reopenSite();
  const comparison = await sampleComparison({ place, written, signal: cli.signal });
  const run = await runDaily(cli, session, site);
  cli.out.note('Restoring everything from its copies into scratch, and comparing it with the source …');
  const [proofs, logs] = await Promise.all([
    proveRun({
      site,
      report: run.report,
      from: 'vault',
      within: place.scratch,
      compare: comparison.compare,
      work: cli.work,
      // The large one takes as long as all others together.
      beside: 2,
    }),
    shipLogs(cli, session, site),
  ]);
  cli.out.note(
    'The restore test, as it is run each month: one backup of each source, from the place that has its turn …',
  );
  const tested = await runRestoreTest(cli, session, site);
  await show(cli, { place, site, run, proofs, tested, logs, compared: comparison.summary() });
  const ended = [run.report, logs, tested.report].map(runExitStatus).find((status) => status !== 0) ?? 0;
  cli.exitWith(proofs.every(isProven) ? ended : exitStatus('verification-failed'));
  if (once) return;
  const { applySchedules } = await import('../../client/schedules/apply-site.ts');
  await applySchedules(cli, site, session.client);
  cli.out.note('\nThe sample, its write loads, Temporal, its Web UI and the worker keep running; ^C ends them all.');
  await Promise.race([untilInterrupted(cli.signal), session.broken]);
}

/** Writes to every database until the end. */
function startLoads({ databases }: Sample, ending: AsyncDisposableStack): Promise<readonly Written[]> {
  return Promise.all(
    databases.map(async (database) => {
      const workload = await database.server.write();
      ending.defer(() => workload.stop());
      return { database, workload };
    }),
  );
}

/** Databases, Temporal and worker, started beside each other as far as can be. */
async function openAll(
  cli: Cli,
  place: SamplePlace,
  ending: AsyncDisposableStack,
): Promise<{ readonly opened: Sample; readonly session: Session }> {
  const options: OpenOptions = { signal: cli.signal, note: (text) => cli.out.note(text) };
  let opened: Sample | undefined;
  let starting: Promise<Session> | undefined;
  ending.defer(() => opened?.stop());
  ending.defer(() => closed(starting));
  await tidySample(place, options);
  if (await isComplete(place)) {
    // A complete sample has the config of its last start, which is enough to begin with.
    starting = startSession(cli);
    opened = await reopenSample(place, options);
  }
  if (!opened) {
    await closed(starting);
    starting = undefined;
    opened = await makeSample(place, options);
  }
  starting ??= startSession(cli);
  const [session] = await Promise.all([starting, opened.ready]);
  return { opened, session };
}

function startSession(cli: Cli): Promise<Session> {
  const starting = open();
  // Whoever waits for it is told; until somebody does, a failure must not end the process.
  starting.catch(() => undefined);
  return starting;

  async function open(): Promise<Session> {
    // Loaded here and not above: the database starts meanwhile.
    const [{ ownSession }, site] = await Promise.all([import('../../client/runs/session.ts'), cli.reopenSite()]);
    return ownSession({ site, openSite: cli.reopenSite, log: await cli.log() });
  }
}

async function closed(starting: Promise<Session> | undefined): Promise<void> {
  const session = await starting?.catch(() => undefined);
  await session?.close();
}

async function runModules() {
  const [{ runDaily, runRestoreTest }, { proveRun, isProven }, { runExitStatus }, { shipLogs }] = await Promise.all([
    import('./daily.ts'),
    import('./prove.ts'),
    import('../../client/runs/result.ts'),
    import('./logs.ts'),
  ]);
  return { runDaily, runRestoreTest, proveRun, isProven, runExitStatus, shipLogs };
}

/** The sample brings its own Temporal, whatever the environment names. */
function forgetOtherTemporal(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) if (name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_CLI') delete env[name];
}

const behindServers = REMOTES.map(({ destination }) => destination).join(' and ');
/** What is otherwise than where somebody relies on it. */
const ONE_MACHINE = [
  'All on one machine, as this is a sample: 3-2-1 wants two devices and a place elsewhere, and `status` says so.',
  `${behindServers} run with the sample only: once it has ended, \`status\`, \`list\` and \`doctor\` say that they do not answer.`,
];

interface Shown {
  readonly place: SamplePlace;
  readonly site: Site;
  readonly run: DailyRun;
  readonly proofs: readonly Proof[];
  readonly tested: DailyRun;
  readonly logs: RunReport;
  readonly compared: readonly string[];
}

async function show(cli: Cli, { place, site, run, proofs, tested, logs, compared }: Shown): Promise<void> {
  const [{ printScreen }, { restorableUntil }, { runProblems }, { copiesTold }] = await Promise.all([
    import('./screen.ts'),
    import('./logs.ts'),
    import('../../client/runs/result.ts'),
    import('./copies-told.ts'),
  ]);
  const command = `infra/mosaic-backup -c ${place.config}`;
  printScreen(cli.out, {
    title: 'The daily backup of the sample',
    run,
    proofs,
    tested,
    compared: [...compared, ...restorableUntil(logs), ...runProblems(logs)],
    places: [...copiesTold(run.report, site.config), ...ONE_MACHINE],
    next: [
      [`${command} status`, 'age, copies, and until when each can be restored'],
      [`${command} list`, 'every backup, with its copies and proof'],
      [`${command} restore latest --source wiki --at end --to /tmp/wiki`, 'to the last transaction in the logs'],
      [`${command} restore latest --source stack --to /tmp/stack`, 'restores; Temporal may be dead'],
    ],
  });
}
