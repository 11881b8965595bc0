/** `drill start`: a disaster is rehearsed now. */
import { Argument, Option, type Command } from 'commander';
import {
  MANUAL_PHASES,
  SCENARIOS,
  type DrillAsked,
  type ManualPhase,
  type Scenario,
} from '../../../model/drill/drill.ts';
import { examples, several, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';

export interface StartOptions {
  readonly source?: readonly string[];
  readonly at?: string;
  readonly manual?: readonly ManualPhase[];
  readonly gameDay?: string;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

export function registerDrillStart(drill: Command, cli: OpenCli): void {
  const start = drill
    .command('start')
    .description(
      'rehearse a disaster: everything is recovered in a sandbox, against the clock; production is not touched',
    )
    .addArgument(new Argument('[scenario]', 'the next one of plans.drill when left out').choices(SCENARIOS))
    .option('--source <name>', 'only this source; may be given several times', several)
    .option('--at <time>', 'when the mistake or the attack happened (RFC 3339), for operator-error and ransomware')
    .addOption(new Option('--manual <phase...>', 'phases that wait for somebody').choices(MANUAL_PHASES))
    .option(
      '--game-day <site>',
      'with the name of a site that is no production: what was recovered stays up until somebody confirms tear-down',
    )
    .option('--wait', 'show how far it is, and wait for its end; ^C cancels it')
    .option('--dry-run', 'print what would be rehearsed, and do nothing')
    .action((scenario: Scenario | undefined, options: StartOptions) => startCommand(cli(), scenario, options));
  examples(start, [
    ['drill start host-lost --wait', 'the machine is gone: everything from destinations and the recovery kit'],
    ['drill start operator-error --at 2026-11-23T09:59:00Z', 'everything as it was just before'],
    [
      'drill start host-lost --game-day staging',
      'and everybody works with what was recovered, until drill confirm … tear-down',
    ],
    ['drill start host-lost --manual probe', 'and somebody looks for himself: drill confirm'],
  ]);
}

async function startCommand(cli: Cli, scenario: Scenario | undefined, options: StartOptions): Promise<void> {
  const [{ wholeSeconds, scheduledTime }, { planDrill }, { SCENARIO_WORDS }] = await Promise.all([
    import('../../../model/time.ts'),
    import('../../../activities/operations/drill/plan.ts'),
    import('../../../model/drill/drill.ts'),
  ]);
  const site = await cli.site();
  const input = {
    site: site.config.site,
    plan: 'drill',
    scheduled: wholeSeconds(Date.now()),
    ...(scenario && { scenario }),
    ...(options.source && { sources: options.source }),
    ...(options.at !== undefined && { at: scheduledTime(options.at) }),
    ...(options.manual && { manual: options.manual }),
    ...(options.gameDay !== undefined && { gameDay: options.gameDay }),
  } satisfies DrillAsked;
  // Wrong names, and a moment that means nothing, fail here, before anything is started.
  const spec = planDrill(site, input);
  cli.out.note(`${spec.scenario}: ${SCENARIO_WORDS[spec.scenario]}`);
  if (options.dryRun) {
    const rows = spec.steps.map(({ source, type, after }) => [source, type, spec.host, after.join(', ')]);
    cli.out.result({ dryRun: true, ...spec }, () => table(['source', 'type', 'recovered on', 'after'], rows));
    return;
  }
  const { runNow } = await import('../commands/run.ts');
  const asked = { ...input, scenario: spec.scenario };
  const waits = options.wait ?? false;
  await runNow(cli, asked, !waits);
  const { documentsFolder } = await import('../../../activities/operations/drill/documents.ts');
  const where = `the report and the runbook are written to ${documentsFolder(site)} on the coordinator`;
  cli.out.note(waits ? where : `At its end ${where}: mosaic-backup drill list`);
}
