/** `init`: a config and keys from what runs on this machine. Asks nothing. */
import type { Command } from 'commander';
import type { Initialised } from '../../init/init.ts';
import { examples, several, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface InitOptions {
  readonly site?: string;
  readonly repository?: string;
  readonly state?: string;
  readonly destination?: string;
  readonly folder?: readonly string[];
  readonly dryRun?: boolean;
}

export function registerInit(program: Command, cli: OpenCli): void {
  const init = program
    .command('init')
    .description(
      'write a config and keys from what runs on this machine: PostgreSQL, MariaDB and Redis servers, folders with compose files',
    )
    .option('--site <name>', "the installation's name; else this machine's")
    .option('--repository <folder>', 'where backups go; else /opt/mosaic/backups')
    .option('--state <folder>', 'working memory; else /var/lib/mosaic-backup')
    .option('--destination <folder>', 'where a further copy of each goes')
    .option('--folder <folder>', 'a folder to back up, instead of those found; may be given several times', several)
    .option('--dry-run', 'print the config, and write nothing')
    .action((options: InitOptions) => initCommand(cli(), options));
  examples(init, [
    ['init --dry-run', 'see what was found'],
    ['init --destination /mnt/vault', 'write /etc/mosaic-backup/config.yaml, with a further copy'],
    ['-c ./mosaic-backup.yaml init --folder ./stack', 'for one folder, beside it'],
  ]);
}

async function initCommand(cli: Cli, { folder, dryRun, ...options }: InitOptions): Promise<void> {
  const [{ initialise }, path, { LOCAL_CONFIG, SYSTEM_CONFIG }] = await Promise.all([
    import('../../init/init.ts'),
    import('node:path'),
    import('../../../activities/config/find.ts'),
  ]);
  const named = cli.options.config ?? cli.env['MOSAIC_BACKUP_CONFIG'];
  const file = path.resolve(cli.cwd, named ?? (process.getuid?.() === 0 ? SYSTEM_CONFIG : LOCAL_CONFIG));
  const made = await initialise({
    ...options,
    file,
    cwd: cli.cwd,
    folders: folder?.map((one) => path.resolve(cli.cwd, one)),
    dryRun: dryRun ?? false,
  });
  const next = nextSteps(made);
  cli.out.result({ dryRun: dryRun ?? false, ...made, next }, () =>
    dryRun
      ? made.text
      : [
          `wrote ${file} (sources: ${made.sources.join(', ')}) and its keys`,
          '',
          'Next:',
          ...next.map((step, index) => `${index + 1}. ${step}`),
        ].join('\n'),
  );
}

function nextSteps({ file, files, servers, destination }: Initialised): readonly string[] {
  const command = `mosaic-backup -c ${file}`;
  return [
    `Move the second identity off this machine, and delete it here: ${files.second}. It opens every backup when this machine is gone.`,
    `Print the recovery kit and store it elsewhere, then confirm it:\n     ${command} keys kit\n     ${command} keys kit --confirm`,
    ...(destination === null
      ? []
      : [`Make the folder of the destination on its mounted disk: install -d -m 700 ${destination}`]),
    ...(servers.length > 0
      ? [
          'Make the account of each server: the commands stand beside it in the config, and doctor says what is missing.',
        ]
      : []),
    `Check everything: ${command} doctor`,
    `Back up: ${command} run daily`,
  ];
}
