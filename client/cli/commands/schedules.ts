/** `schedules apply | list | pause | resume | remove | backfill`: when plans run by themselves. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface NoteOption {
  readonly note?: string;
}

export function registerSchedules(program: Command, cli: OpenCli): void {
  const schedules = program.command('schedules').description('when plans run by themselves: what Temporal has of it');
  const apply = schedules
    .command('apply')
    .description('make the schedules of this site in Temporal match the config; prints the difference first')
    .option('--dry-run', 'print the timetable and the difference, and change nothing')
    .action((options: { readonly dryRun?: boolean }) => applyCommand(cli(), options.dryRun ?? false));
  const list = schedules
    .command('list')
    .description('list the schedules of this site, their last runs and the next five times of each')
    .action(() => listCommand(cli()));
  const pause = schedules
    .command('pause')
    .description('pause schedules of this site, all when none is named; what runs already goes on')
    .argument('[plan...]', 'the plans, as in daily weekly')
    .option('--note <text>', 'why, for those who find it paused')
    .action((plans: readonly string[], { note }: NoteOption) => pauseCommand(cli(), true, plans, note));
  const resume = schedules
    .command('resume')
    .description('let paused schedules of this site run again, all when none is named')
    .argument('[plan...]', 'the plans, as in daily weekly')
    .option('--note <text>', 'what was done')
    .action((plans: readonly string[], { note }: NoteOption) => pauseCommand(cli(), false, plans, note));
  const remove = schedules
    .command('remove')
    .description('remove all schedules of this site; what runs already goes on, and "apply" or "up" makes them again')
    .option('--dry-run', 'print which, and remove nothing')
    .action((options: { readonly dryRun?: boolean }) => removeCommand(cli(), options.dryRun ?? false));
  const backfill = schedules
    .command('backfill')
    .description('runs for times that are over: says why there are none, and what to do')
    .argument('<plan>', 'the plan')
    .action((plan: string) => backfillCommand(cli(), plan));
  examples(apply, [
    ['schedules apply --dry-run', 'the timetable, and what would change'],
    ['schedules apply', 'after a change of plans in the config; "up" does it by itself'],
  ]);
  examples(pause, [
    ["schedules pause --note 'disks are changed'", 'before work on the servers; nothing starts until they are resumed'],
    ['schedules pause daily weekly', 'only these'],
  ]);
  examples(resume, [['schedules resume', 'all that are paused run again']]);
  examples(list, [['schedules list', 'when each plan is due next']]);
  examples(remove, [['schedules remove', 'before something else starts the plans, or the site is given up']]);
  examples(backfill, [['schedules backfill daily', 'what to do about a night that was missed']]);
}

async function applyCommand(cli: Cli, dryRun: boolean): Promise<void> {
  const { applySchedulesCommand } = await import('../schedules/apply.ts');
  await applySchedulesCommand(cli, dryRun);
}

async function listCommand(cli: Cli): Promise<void> {
  const { listSchedulesCommand } = await import('../schedules/list.ts');
  await listSchedulesCommand(cli);
}

async function pauseCommand(cli: Cli, pause: boolean, plans: readonly string[], note?: string): Promise<void> {
  const { pauseSchedulesCommand } = await import('../schedules/pause.ts');
  await pauseSchedulesCommand(cli, { pause, plans, note });
}

async function removeCommand(cli: Cli, dryRun: boolean): Promise<void> {
  const { removeSchedulesCommand } = await import('../schedules/remove.ts');
  await removeSchedulesCommand(cli, dryRun);
}

async function backfillCommand(cli: Cli, plan: string): Promise<void> {
  const { backfillCommand: backfill } = await import('../schedules/backfill.ts');
  await backfill(cli, plan);
}
