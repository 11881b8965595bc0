/** `copies thaw`: what lies frozen is asked for, and waited for. */
import { BackupError } from '../../../model/errors.ts';
import { isThawed, thawId, type ThawReport } from '../../../model/thaw.ts';
import { openPlace } from '../../backups/places.ts';
import { planThaw, type ThawPlan } from '../../thaw/plan.ts';
import type { Cli } from '../context.ts';
import { choose, targetOf } from '../restore/choose.ts';
import { speedOf } from './speed.ts';
import { previewText, reportText } from './thaw-text.ts';
import { waitForThaw, waitHere } from './thaw-wait.ts';

export interface ThawOptions {
  readonly from?: string;
  readonly source?: string;
  readonly at?: string;
  readonly before?: string;
  readonly speed?: string;
  readonly days?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly detach?: boolean;
  readonly direct?: boolean;
  readonly status?: boolean;
  readonly cancel?: boolean;
}

export async function thawCommand(cli: Cli, wanted: string, options: ThawOptions): Promise<void> {
  if (options.status || options.cancel) return control(cli, wanted, options);
  const plan = await planned(cli, wanted, options);
  cli.out.note(previewText(plan));
  if (isThawed(plan.facts)) {
    cli.out.result({ ...factsOf(plan), changed: false }, () => 'all of it can be read now: nothing is asked for');
    return;
  }
  if (options.dryRun || !options.yes) {
    const { frozen } = plan.facts;
    cli.out.result({ ...factsOf(plan), dryRun: true }, () =>
      frozen.objects === 0
        ? 'nothing was done: --yes waits for it'
        : `nothing was asked for: --yes asks for ${frozen.objects} objects with the speed ${plan.input.speed}, and waits`,
    );
    return;
  }
  if (options.direct) return told(cli, plan, await waitHere(cli, plan));
  if (options.detach) return leave(cli, plan);
  return told(cli, plan, await waitForThaw(cli, plan));
}

/** Wrong names, speeds and places fail here, before anything is asked for. */
async function planned(cli: Cli, wanted: string, options: ThawOptions): Promise<ThawPlan> {
  const site = await cli.site();
  const from = placeOf(options);
  const speed = options.speed === undefined ? undefined : speedOf(options.speed);
  const days = options.days === undefined ? undefined : daysOf(options.days);
  const { store } = await openPlace(site, from);
  const chosen = await choose(site, from, wanted, { ...options, acceptAge: true });
  for (const line of chosen.told ?? []) cli.out.note(line);
  return planThaw({ site, destination: from, store, ...chosen, speed, days });
}

/** @throws BackupError `usage`. */
function placeOf({ from }: ThawOptions): string {
  if (from !== undefined) return from;
  throw new BackupError('usage', 'Where it lies frozen is not said.', {
    remedy: 'Name the destination: --from NAME. `mosaic-backup show REFERENCE` says where copies are.',
  });
}

function daysOf(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= 365) return days;
  throw new BackupError('usage', `"${text}" is no number of days.`, { remedy: 'Write one from 1 to 365.' });
}

function factsOf({ input, facts, speeds, waits }: ThawPlan) {
  return { ...input, facts, speeds, promised: waits.promised };
}

async function leave(cli: Cli, plan: ThawPlan): Promise<void> {
  const [{ startThaw }, { openRunSession }] = await Promise.all([
    import('../../thaw/run.ts'),
    import('../../runs/session.ts'),
  ]);
  const session = await openRunSession({ site: await cli.site(), openSite: cli.reopenSite, log: await cli.log() });
  try {
    if (session.embedded) {
      throw new BackupError('usage', '--detach needs a Temporal that goes on after this command', {
        remedy: 'Start "mosaic-backup up" first, or leave --detach out.',
      });
    }
    const { workflowId } = await startThaw(session.client, plan);
    cli.out.result({ run: workflowId, ...factsOf(plan) }, () => `${workflowId} is under way: --status says how far`);
  } finally {
    await session.close();
  }
}

function told(cli: Cli, plan: ThawPlan, report: ThawReport | null): void {
  if (report !== null) cli.out.result({ ...report }, () => reportText(report));
  else
    cli.out.result(
      { ...factsOf(plan), outcome: null },
      () => 'not waited for any longer; the same command joins it again',
    );
}

/** `--status`, `--cancel`. */
async function control(cli: Cli, wanted: string, options: ThawOptions): Promise<void> {
  const [{ cancelThaw, isKnown, thawNow }, { withClient }] = await Promise.all([
    import('../../thaw/run.ts'),
    import('../with-client.ts'),
  ]);
  const remedy =
    'The same command without --status and --cancel shows how its objects stand, and asks for nothing without --yes.';
  const { site } = (await cli.site()).config;
  const target = (await targetOf(options)) ?? null;
  // A whole reference is the name of the wait: the place may be away just now, or the backup gone there.
  const byName = thawId({ site, destination: placeOf(options), backup: { reference: wanted }, target });
  await withClient(cli, remedy, async (client) => {
    const id = (await isKnown(client, byName)) ? byName : thawId((await planned(cli, wanted, options)).input);
    if (options.cancel) {
      await cancelThaw(client, id);
      cli.out.result(
        { run: id, cancelled: true },
        () => 'nobody waits for it any longer; what was asked for cannot be taken back: it comes, and is paid for',
      );
      return;
    }
    const report = await thawNow(client, id);
    cli.out.result({ ...report }, () => reportText(report));
  });
}
