/** `drill confirm`: a phase that waits for somebody goes on. */
import { Argument, type Command } from 'commander';
import { MANUAL_PHASES, type ManualPhase } from '../../../model/drill/drill.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface ConfirmOptions {
  readonly note?: string;
}

export function registerDrillConfirm(drill: Command, cli: OpenCli): void {
  const confirm = drill
    .command('confirm')
    .description('let a phase of a drill go on that waits for somebody')
    .argument('<drill>', 'as `runs list` names it')
    .addArgument(new Argument('<phase>', 'which one').choices(MANUAL_PHASES))
    .option('--note <text>', 'for the report: who, and what was seen')
    .action((id: string, phase: ManualPhase, options: ConfirmOptions) => confirmCommand(cli(), id, phase, options));
  examples(confirm, [
    ['drill confirm drill-2026-11-23T09:00:00Z probe --note "Anna: logged in, pages are there"', 'the clock stops'],
  ]);
}

async function confirmCommand(cli: Cli, id: string, phase: ManualPhase, { note }: ConfirmOptions): Promise<void> {
  const [{ confirmDrill }, { withClient }] = await Promise.all([
    import('../../runs/confirm.ts'),
    import('../with-client.ts'),
  ]);
  await withClient(cli, 'Where no Temporal serves no drill goes on: mosaic-backup drill list', async (client) => {
    const done = await confirmDrill(client, id, { phase, ...(note !== undefined && { note }) });
    cli.out.result({ drill: id, phase, done }, () => done);
  });
}
