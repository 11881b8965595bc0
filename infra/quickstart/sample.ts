/** `npm start`: a stack that lives, its daily backup, and the proof that it restores. */
import type { Cli } from '../../client/cli/context.ts';
import { untilInterrupted } from '../../client/cli/until-interrupted.ts';
import { runExitStatus } from '../../client/runs/result.ts';
import { ownSession, type Session } from '../../client/runs/session.ts';
import { exitStatus } from '../../model/errors.ts';
import { workflowBundle } from '../../workers/bundle.ts';
import type { QuickstartArguments } from './arguments.ts';
import { sampleComparison, type SampleComparison } from './compare-sample.ts';
import { runDaily, type DailyRun } from './daily.ts';
import { isProven, proveRun, type Proof } from './prove.ts';
import { openSample } from './sample/open.ts';
import type { SamplePlace } from './sample/place.ts';
import { startWorkload } from './sample/workload.ts';
import { printScreen } from './screen.ts';

/** Milliseconds between two transactions of the write load. */
const PACE = 50;

export async function sample(cli: Cli, place: SamplePlace, { once }: QuickstartArguments): Promise<void> {
  forgetOtherTemporal(cli.env);
  // The first bundle takes seconds, and is made beside the database. A failure comes again from the worker.
  workflowBundle().catch(() => undefined);
  // Ended in the opposite order: the load, then worker and Temporal, then the database under them.
  await using ending = new AsyncDisposableStack();
  const opened = await openSample(place, { signal: cli.signal, note: (text) => cli.out.note(text) });
  ending.defer(() => opened.close());
  const starting = startSession(cli);
  ending.defer(async () => (await starting.catch(() => undefined))?.close());
  const [session] = await Promise.all([starting, opened.ready]);
  const workload = await startWorkload(opened.server, PACE);
  ending.defer(() => workload.stop());

  const site = await cli.site();
  const comparison = sampleComparison({ place, server: opened.server, workload, signal: cli.signal });
  const run = await runDaily(cli, session, site);
  cli.out.note('Restoring everything from its copies into scratch, and comparing it with the source …');
  const { report } = run;
  const proofs = await proveRun({
    site,
    report,
    from: 'vault',
    within: place.scratch,
    compare: comparison.compare,
    work: await cli.work(),
  });
  show(cli, place, { run, proofs, comparison });
  cli.exitWith(isProven(proofs) ? runExitStatus(report) : exitStatus('verification-failed'));
  if (once) return;
  cli.out.note('\nThe sample, its write load, Temporal, its Web UI and the worker keep running; ^C ends them all.');
  await Promise.race([untilInterrupted(cli.signal), session.broken]);
}

/** The sample brings its own Temporal, whatever the environment names. */
function forgetOtherTemporal(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) if (name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_CLI') delete env[name];
}

async function startSession(cli: Cli): Promise<Session> {
  return ownSession({ site: await cli.site(), openSite: cli.reopenSite, log: await cli.log() });
}

function show(
  cli: Cli,
  place: SamplePlace,
  {
    run,
    proofs,
    comparison,
  }: { readonly run: DailyRun; readonly proofs: readonly Proof[]; readonly comparison: SampleComparison },
): void {
  const command = `infra/mosaic-backup -c ${place.config}`;
  printScreen(cli.out, {
    title: 'The daily backup of the sample',
    run,
    proofs,
    compared: comparison.summary(),
    next: [
      [`${command} list`, 'every backup, with its copies and proof'],
      [`${command} restore latest --source stack --to /tmp/stack`, 'restores; Temporal may be dead'],
    ],
  });
}
