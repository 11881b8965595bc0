/** What the files in commands/ share. */
import type { Command } from 'commander';
import type { Cli } from './context.ts';

/** The command line's surroundings: made once the global options are known, so after parsing. */
export type OpenCli = () => Cli;

/** A file in commands/ exports one of these. What it needs beyond commander it imports when the command runs. */
export type Register = (program: Command, cli: OpenCli) => void;

/** Adds examples to a command's help: each with what it does. */
export function examples(command: Command, lines: readonly (readonly [command: string, does: string])[]): Command {
  const width = Math.max(...lines.map(([line]) => line.length));
  const text = lines.map(([line, does]) => `  $ mosaic-backup ${line.padEnd(width)}  # ${does}`);
  return command.addHelpText('after', `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${text.join('\n')}`);
}

/** Collects an option that may be given several times. */
export function several(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
