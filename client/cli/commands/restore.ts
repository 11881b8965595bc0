/** `restore`: to a folder by the worker of the host where one is there; else, and for all else, in the command's own process, so that it works with Temporal gone. */
import type { Command } from 'commander';
import { examples, several, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { goesIntoServer, type RestoreOptions } from '../restore/options.ts';

export function registerRestore(program: Command, cli: OpenCli): void {
  const restore = program
    .command('restore')
    .description(
      'restore a backup to an empty folder, in place, or a database or table of it into a running server; every byte is checked before anything appears there',
    )
    .argument('[backup]', 'a reference, or "latest": the newest that is verified')
    .option('--to <folder>', 'a folder that is new or empty')
    .option(
      '--on <host>',
      'by the worker of this host, to a folder there or into a server that it reaches; of another host with --from',
    )
    .option('--direct', 'in this process, and not by the worker of this host where one is there')
    .option('--serve', 'with --to: a private server on what was restored, until ^C (databases)')
    .option('--point <id>', 'a whole recovery point (or "latest"), each source to a folder of its name below --to')
    .option('--in-place', "in place of the data of the source's own server, which are kept beside it")
    .option('--confirm <site>', 'in place without a terminal: the name of the site')
    .option('--accept-unsaved', 'in place although what the old server had not shipped cannot be saved')
    .option('--resume', 'go on with a restore in place that was cut off')
    .option('--undo', 'take back a restore in place that was cut off')
    .option('--source <name>', 'the source, with "latest"')
    .option('--at <target>', 'recover to this time, LSN or GTID, name:RESTORE_POINT, or end of the logs ("end")')
    .option('--before <gtid>', 'recover to right before this transaction (MariaDB), rather than --at')
    .option('--path <path>', 'only this file or folder (files sources); may be given several times', several)
    .option('--from <destination>', 'the copy there, rather than the one in the repository')
    .option(
      '--thaw <speed>',
      'with --to: bring it back from cold storage first, which costs money and takes minutes to days (expedited, standard or bulk)',
    )
    .option('--database <name>', 'only this database, from its export, into a running server')
    .option('--table <name>', 'only this table of it, as in public.orders; may be given several times', several)
    .option('--key <pattern>', 'only keys of Redis that this means, as in "session:*", into a running server')
    .option(
      '--into <server>',
      'the running server: "host=… port=… user=… database=…"; the source\'s own without a host',
    )
    .option('--password-file <file>', 'the password for --into')
    .option('--password-env <name>', 'the variable with the password for --into')
    .option(
      '--replace',
      'with --into: what is in the way gives up its place; a whole database, and any table of MariaDB, is kept under another name',
    )
    .option('--no-owner', 'with --into: all belongs to who restores it, and no grants')
    .option('--dry-run', 'say what would be restored, check keys and space, and do nothing')
    .option('--accept-age', "restore although the latest is older than the source's objective")
    .action((backup: string | undefined, options: RestoreOptions) => restoreOrSayWhere(cli(), backup, options));
  examples(restore, [
    ['restore latest --source postgres --to /srv/restored', 'a data folder that a server can start from'],
    ['restore latest --source postgres --at 2026-11-23T14:05:00Z --to /srv/restored', 'as it was at that time'],
    ['restore --point latest --to /srv/restored', 'all sources, as the newest run left them'],
    ['restore latest --source stack --path /opt/stack/.env --to /tmp/env', 'a single file'],
    [
      'restore latest --source postgres --at 2026-11-23T14:05:00Z --in-place',
      'over the data of the server, which are kept',
    ],
    [
      'restore latest --source postgres --database shop --table public.orders --into "user=postgres"',
      'one table, into the running server',
    ],
    ['restore latest --source cache --key "session:*" --into "user=default"', 'keys of Redis, into the running server'],
    ['restore --undo --source postgres', 'take back one that was cut off'],
    ['restore stack/20261123 --from vault --to /srv/stack', 'from a destination, with the repository gone'],
    ['restore yearly/stack/20260104 --from archive --thaw bulk --to /srv/stack', 'out of cold storage'],
  ]);
}

async function restoreOrSayWhere(cli: Cli, backup: string | undefined, options: RestoreOptions): Promise<void> {
  try {
    await restoreCommand(cli, backup, options);
  } catch (error) {
    const { withOtherCopies } = await import('../restore/other-copies.ts');
    throw await withOtherCopies(cli, options.from, error);
  }
}

async function restoreCommand(cli: Cli, backup: string | undefined, options: RestoreOptions): Promise<void> {
  const { to, inPlace, resume, undo } = options;
  const intoServer = goesIntoServer(options);
  const ways = [to !== undefined, inPlace, resume, undo, intoServer].filter(Boolean).length;
  if (ways !== 1)
    throw await usage('Say one of --to FOLDER, --in-place, --resume, --undo, and --database with --into.');
  if (to === '') throw await usage('--to names no folder.');
  if (resume || undo) {
    const { unfinishedCommand } = await import('../restore/unfinished.ts');
    return unfinishedCommand(cli, options);
  }
  if (options.point !== undefined && !options.serve) return restoreWholePoint(cli, backup, options, options.point);
  if (options.serve && (to === undefined || options.point !== undefined))
    throw await usage('--serve is of a restore of one database to a folder.');
  if (backup === undefined) throw await usage('Say which backup: a reference, or "latest".');
  if (options.thaw !== undefined && to === undefined)
    throw await usage('--thaw is of a restore to a folder; for any other run `mosaic-backup copies thaw` first.');
  if (to !== undefined) {
    const { restoreToFolder } = await import('../restore/to-folder.ts');
    return restoreToFolder(cli, backup, { ...options, to });
  }
  if (intoServer) {
    if ([options.at, options.before, options.path].some((each) => each !== undefined))
      throw await usage(
        '--at, --before and --path are of a restore to a folder: reach the moment there, and copy from it.',
      );
    if (options.key !== undefined) {
      if (options.table !== undefined) throw await usage('--key is of Redis, and --table of databases with tables.');
      const { restoreKeysInto } = await import('../restore/into-redis.ts');
      return restoreKeysInto(cli, backup, { ...options, key: options.key });
    }
    const { restoreIntoServer } = await import('../restore/into-server.ts');
    return restoreIntoServer(cli, backup, options);
  }
  const { restoreInPlaceCommand } = await import('../restore/in-place.ts');
  return restoreInPlaceCommand(cli, backup, options);
}

async function restoreWholePoint(
  cli: Cli,
  backup: string | undefined,
  options: RestoreOptions,
  point: string,
): Promise<void> {
  const { to, at, before, path } = options;
  if (to === undefined || backup !== undefined || [at, before, path].some((each) => each !== undefined))
    throw await usage(
      '--point goes with --to, and may go with --from, --source, --on, --direct, --thaw and --dry-run; it names no backup besides.',
    );
  const { restorePointCommand } = await import('../restore/point.ts');
  return restorePointCommand(cli, { ...options, to, point });
}

async function usage(message: string): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  return new BackupError('usage', message, { remedy: 'See: mosaic-backup restore --help' });
}
