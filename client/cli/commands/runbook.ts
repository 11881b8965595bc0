/** `runbook …`: what is done after a disaster, from the config and the last drill. */
import { Option, type Command } from 'commander';
import { SCENARIOS, type Scenario } from '../../../model/drill/drill.ts';
import { examples, type OpenCli } from '../command.ts';

export interface RunbookOptions {
  readonly scenario?: Scenario;
  readonly to?: string;
  readonly page?: string;
}

export function registerRunbook(program: Command, cli: OpenCli): void {
  const runbook = program
    .command('runbook')
    .description('what is done after a disaster, step by step: from the config, as the last drill did it');
  const scenario = () => new Option('--scenario <name>', 'what has happened (default: host-lost)').choices(SCENARIOS);
  const show = runbook
    .command('show')
    .description('print the runbook; every command in it is literal')
    .addOption(scenario())
    .option('--page <file>', 'write it as a page to print instead (HTML)')
    .action(async (options: RunbookOptions) => (await import('../runbook/show.ts')).showCommand(cli(), options));
  const write = runbook
    .command('write')
    .description('write the runbook and the reports of all drills into plans.drill.documents, to be committed')
    .addOption(scenario())
    .option('--to <file>', 'write only the runbook, into this file')
    .action(async (options: RunbookOptions) => (await import('../runbook/show.ts')).writeCommand(cli(), options));
  examples(show, [
    ['runbook show', 'the machine is gone'],
    ['runbook show --scenario ransomware --page /tmp/runbook.html', 'on paper, beside the recovery kit'],
  ]);
  examples(write, [
    ['runbook write', 'the whole folder: a drill does it by itself'],
    ['runbook write --to /srv/docs/recovery.md', 'one file'],
  ]);
}
