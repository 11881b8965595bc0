/** `keys rotate`. */
import type { Command } from 'commander';
import type { RotationInput, RotationReport } from '../../../model/rotation.ts';
import type { Session } from '../../runs/session.ts';
import { examples, several, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface RotateOptions {
  readonly destination?: string;
  readonly identity?: readonly string[];
  readonly detach?: boolean;
  readonly direct?: boolean;
  readonly dryRun?: boolean;
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly status?: boolean;
  readonly signing?: boolean;
}

/** Milliseconds between two looks. */
const LOOK = 500;

export function registerRotation(keys: Command, cli: OpenCli): void {
  const rotate = keys
    .command('rotate')
    .description(
      'wrap the key of every backup, everywhere, to the recipients of the config now; does only what is missing',
    )
    .option('--destination <name>', 'only there ("repository" for the repository)')
    .option('--identity <file>', 'an identity file besides that of the config; may be given several times', several)
    .option('--detach', 'start it and leave; needs a running "up" or a configured Temporal')
    .option('--direct', 'in this process, without Temporal')
    .option('--dry-run', 'print which places and recipients it would be, and do nothing')
    .option('--pause', 'pause the one that runs after the page that it is at')
    .option('--resume', 'let the paused one go on')
    .option('--status', 'print how far it is')
    .option('--signing', 'instead make a new signing key for this host; what the old one signed stays good')
    .action((options: RotateOptions) => rotateCommand(cli(), options));
  examples(rotate, [
    ['keys rotate', 'after keys add or keys retire'],
    ['keys rotate --identity /media/usb/new.txt', 'also restores with that identity alone'],
    ['keys rotate --status', 'how far it is; --pause and --resume'],
    ['keys rotate --signing', 'a new key to sign with'],
  ]);
}

async function rotateCommand(cli: Cli, options: RotateOptions): Promise<void> {
  if (options.signing) return (await import('./signing.ts')).rotateSigningCommand(cli, options.dryRun ?? false);
  if (options.pause || options.resume || options.status)
    return (await import('./rotation-control.ts')).controlCommand(cli, options);
  const { identityFiles } = await import('./files.ts');
  const site = await cli.site();
  const input: RotationInput = {
    site: site.config.site,
    host: site.host,
    identities: identityFiles(cli, options.identity),
    ...(options.destination === undefined ? {} : { place: options.destination }),
  };
  const { planRotation } = await import('../../../activities/operations/keys/plan-rotation.ts');
  // What would be refused is refused before anything is started.
  const spec = await planRotation(site, input);
  if (options.dryRun) {
    const { planText } = await import('./rotation-text.ts');
    cli.out.result({ dryRun: true, ...spec }, () => planText(spec));
    return;
  }
  if (options.direct) await rotateDirectly(cli, input);
  else await rotateByTemporal(cli, input, options.detach ?? false);
}

async function rotateDirectly(cli: Cli, input: RotationInput): Promise<void> {
  const [{ rotateHere }, { PAGE_SIZE }, { progressLine }] = await Promise.all([
    import('../../keys/rotate-here.ts'),
    import('../../keys/rotate-run.ts'),
    import('./rotation-text.ts'),
  ]);
  const work = { ...(await cli.work()), progress: () => {} };
  const onProgress = onceEach(cli, progressLine);
  await told(cli, await rotateHere({ site: await cli.site(), input, pageSize: PAGE_SIZE, work, onProgress }));
}

async function rotateByTemporal(cli: Cli, input: RotationInput, detach: boolean): Promise<void> {
  const { openRunSession } = await import('../../runs/session.ts');
  const session = await openRunSession({ site: await cli.site(), openSite: cli.reopenSite, log: await cli.log() });
  try {
    await (detach ? leave(cli, session, input) : follow(cli, session, input));
  } finally {
    await session.close();
  }
}

async function leave(cli: Cli, session: Session, input: RotationInput): Promise<void> {
  const [{ startRotation }, { BackupError }] = await Promise.all([
    import('../../keys/rotate-run.ts'),
    import('../../../model/errors.ts'),
  ]);
  if (session.embedded) {
    throw new BackupError('usage', '--detach needs a Temporal that goes on after this command', {
      remedy: 'Start "mosaic-backup up" first, or leave --detach out.',
    });
  }
  const { workflowId } = await startRotation(session.client, input);
  cli.out.result({ run: workflowId }, () => `${workflowId} started: mosaic-backup keys rotate --status`);
}

async function follow(cli: Cli, session: Session, input: RotationInput): Promise<void> {
  const [{ followRotation, startRotation }, { progressLine }] = await Promise.all([
    import('../../keys/rotate-run.ts'),
    import('./rotation-text.ts'),
  ]);
  const handle = await startRotation(session.client, input);
  const report = await followRotation(handle, {
    signal: cli.signal,
    broken: session.broken,
    interval: LOOK,
    onProgress: onceEach(cli, progressLine),
  });
  await told(cli, report);
}

async function told(cli: Cli, report: RotationReport): Promise<void> {
  const { reportText, rotationStatusCode } = await import('./rotation-text.ts');
  cli.out.result({ ...report }, () => reportText(report));
  cli.exitWith(rotationStatusCode(report));
}

/** The same line is said once. */
function onceEach(cli: Cli, line: (report: RotationReport) => string): (report: RotationReport) => void {
  let before = '';
  return (report) => {
    const now = line(report);
    if (now !== before && now !== '') cli.out.note(now);
    before = now;
  };
}
