/** `drill …`: disasters, rehearsed. */
import type { Command } from 'commander';
import type { OpenCli } from '../command.ts';
import { registerDrillConfirm } from '../drill/confirm.ts';
import { registerDrillList } from '../drill/list.ts';
import { registerDrillShow } from '../drill/show.ts';
import { registerDrillStart } from '../drill/start.ts';

export function registerDrill(program: Command, cli: OpenCli): void {
  const drill = program.command('drill').description('rehearse disasters, with measured RTO and RPO');
  registerDrillStart(drill, cli);
  registerDrillConfirm(drill, cli);
  registerDrillList(drill, cli);
  registerDrillShow(drill, cli);
}
