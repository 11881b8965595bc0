/** `browse`: what a backup holds, by its inventory, without a restore. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';

export function registerBrowse(program: Command, cli: OpenCli): void {
  const browse = program
    .command('browse')
    .description('list what a backup holds, without restoring any of it: files, or databases and their tables')
    .argument('<backup>', 'a reference, or "latest"')
    .argument('[path]', 'a folder, file or glob (quoted): "/etc/**/*.conf"; of databases "/shop"')
    .option('--source <name>', 'the source, with "latest"')
    .option('--from <destination>', 'the copy there; else the nearest that can be read')
    .option('--recursive', 'all that is below, too')
    .action(async (backup: string, path: string | undefined, options) => {
      const { browseCommand } = await import('../browse.ts');
      await browseCommand(cli(), backup, path ?? '/', options);
    });
  examples(browse, [
    ['browse latest --source stack', 'what is at its root'],
    ['browse latest /etc/letsencrypt --source stack --recursive', 'all below a folder'],
    ['browse stack/20261123 "/opt/**/.env"', 'files of that name, wherever they are'],
    ['browse latest /shop --source postgres', 'tables of a database, with their sizes'],
  ]);
}
