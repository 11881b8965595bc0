/** `drill …`: rehearsed disasters. */
import type { Command } from 'commander';
import type { OpenCli } from '../command.ts';
import { registerDrillList } from '../drill/list.ts';
import { registerDrillShow } from '../drill/show.ts';

export function registerDrill(program: Command, cli: OpenCli): void {
  const drill = program
    .command('drill')
    .description('rehearsed disasters: what was recovered, how fast, what was lost');
  registerDrillList(drill, cli);
  registerDrillShow(drill, cli);
}
