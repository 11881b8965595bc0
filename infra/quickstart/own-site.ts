/** `npm start -- -c FILE`: a site of the user's own is backed up and verified, and with --prove restored and checked. */
import type { Cli } from '../../client/cli/context.ts';
import { applySchedules } from '../../client/schedules/apply-site.ts';
import { untilInterrupted } from '../../client/cli/until-interrupted.ts';
import { runExitStatus } from '../../client/runs/result.ts';
import { openRunSession, ownSession, type Session, type SessionOptions } from '../../client/runs/session.ts';
import { embeddedEndpoint } from '../../client/temporal/endpoint.ts';
import { exitStatus } from '../../model/errors.ts';
import { copiesTold } from './copies-told.ts';
import type { QuickstartArguments } from './arguments.ts';
import { impatient, runDaily } from './daily.ts';
import { isSound, proveRun } from './prove.ts';
import { printScreen } from './screen.ts';

export async function ownSite(cli: Cli, { once, prove }: QuickstartArguments): Promise<void> {
  const given = await cli.site();
  const site = once ? impatient(given) : given;
  const openSite = once ? async () => impatient(await cli.reopenSite()) : cli.reopenSite;
  const session = await open({ site, openSite, log: await cli.log() });
  try {
    const run = await runDaily(cli, session, site);
    const within = cli.env['TMPDIR'] ?? '/var/tmp';
    const proofs = prove
      ? await proveRun({ site, report: run.report, from: null, within, work: cli.work, beside: 1 })
      : [];
    printScreen(cli.out, {
      title: `The daily backup of ${site.config.site}`,
      run,
      proofs,
      compared: [],
      places: copiesTold(run.report, site.config),
      next: [
        [`infra/mosaic-backup -c ${site.file} list`, 'every backup, with its copies'],
        ...(prove ? [] : [['npm start -- -c FILE --prove', 'also restores into scratch, and checks'] as const]),
      ],
    });
    cli.exitWith(isSound(proofs) ? runExitStatus(run.report) : exitStatus('verification-failed'));
    if (once || !session.embedded) return;
    await applySchedules(cli, site, session.client);
    cli.out.note('\nTemporal, its Web UI and the worker keep running; ^C ends them.');
    await Promise.race([untilInterrupted(cli.signal), session.broken]);
  } finally {
    await session.close();
  }
}

/** The session of an `up` that runs already; else one of our own, on the configured Temporal or an embedded one. */
async function open(options: SessionOptions): Promise<Session> {
  return (await embeddedEndpoint(options.site)) ? openRunSession(options) : ownSession(options);
}
