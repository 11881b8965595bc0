/** The command line as a whole: its global options and commands. */
import { Command } from 'commander';
import type { OpenCli, Register } from './command.ts';

export interface Printing {
  readonly version: string;
  /** Help that was asked for, and help that was not. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** @param register every command, in the order of help. */
export function createProgram(register: readonly Register[], cli: OpenCli, { version, out, err }: Printing): Command {
  const program = new Command('mosaic-backup')
    .description('Backups that can prove they restore.')
    .version(version, '-V, --version')
    .option(
      '-c, --config <file>',
      'config file; else $MOSAIC_BACKUP_CONFIG, ./mosaic-backup.yaml, /etc/mosaic-backup/config.yaml',
    )
    .option('--host <name>', "which of the site's hosts this is")
    .option('--json', 'print one JSON document on stdout, for errors too')
    .option('-v, --verbose', 'say more on stderr; twice for everything', (_value, before: number) => before + 1, 0)
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showSuggestionAfterError(true)
    // Errors are printed in one place, in words or as JSON: errors.ts.
    .configureOutput({ writeOut: out, writeErr: err, outputError: () => {} })
    .addHelpText(
      'after',
      `
Exit status:
  0 done · 1 failed · 2 wrong usage or config · 3 partial · 4 refused, nothing changed · 5 aborted (130 on ^C)
  6 not found · 7 busy or conflict · 8 unreachable · 9 verification failed · 10 doctor found problems

Start with: mosaic-backup init`,
    )
    .exitOverride();
  for (const each of register) each(program, cli);
  for (const command of everyCommand(program)) command.copyInheritedSettings(program);
  return program;
}

function everyCommand(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)]);
}
