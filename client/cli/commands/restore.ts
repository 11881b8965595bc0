/** `restore`: in the command's own process, so that it works with Temporal gone. */
import type { Command } from 'commander';
import { examples, several, type OpenCli } from '../command.ts';
import type { RestoreOptions } from '../restore/options.ts';

export function registerRestore(program: Command, cli: OpenCli): void {
  const restore = program
    .command('restore')
    .description('restore a backup to an empty folder; every byte is checked before anything appears there')
    .argument('<backup>', 'a reference, or "latest": the newest that is verified')
    .requiredOption('--to <folder>', 'a folder that is new or empty')
    .option('--source <name>', 'the source, with "latest"')
    .option('--at <target>', 'recover to this time, LSN or GTID, name:RESTORE_POINT, or end of the logs ("end")')
    .option('--before <gtid>', 'recover to right before this transaction (MariaDB), rather than --at')
    .option('--path <path>', 'only this file or folder (files sources); may be given several times', several)
    .option('--from <destination>', 'the copy there, rather than the one in the repository')
    .option('--dry-run', 'say what would be restored, check keys and space, and do nothing')
    .option('--accept-age', "restore although the latest is older than the source's objective")
    .action(async (backup: string, options: RestoreOptions) => {
      const { restoreToFolder } = await import('../restore/to-folder.ts');
      await restoreToFolder(cli(), backup, options);
    });
  examples(restore, [
    ['restore latest --source postgres --to /srv/restored', 'a data folder that a server can start from'],
    ['restore latest --source postgres --at 2026-11-23T14:05:00Z --to /srv/restored', 'as it was at that time'],
    ['restore latest --source stack --path /opt/stack/.env --to /tmp/env', 'a single file'],
    ['restore stack/20261123 --from vault --to /srv/stack', 'from a destination, with the repository gone'],
  ]);
}
