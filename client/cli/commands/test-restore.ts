/** `test-restore`: the monthly restore test, now. */
import type { Command } from 'commander';
import { examples, several, type OpenCli } from '../command.ts';
import { runCommand, type RunOptions } from './run.ts';

export function registerTestRestore(program: Command, cli: OpenCli): void {
  const test = program
    .command('test-restore')
    .description(
      'restore a backup of each source into scratch and check it; in turn from every place and of every tier, so that each is proven in time',
    )
    .option('--source <name>', 'only this source; may be given several times', several)
    .option('--detach', 'start it and leave; needs a running "up" or a configured Temporal')
    .option('--dry-run', 'print what would be tested, and do nothing')
    .action((options: Omit<RunOptions, 'at'>) => runCommand(cli(), 'restore-test', options));
  examples(test, [
    ['test-restore', 'prove a backup of every source now'],
    ['test-restore --source postgres', 'only one source'],
  ]);
}
