/** Commander's errors in our taxonomy. */
import { CommanderError, type Command } from 'commander';
import { BackupError } from '../../model/errors.ts';

/**
 * @returns `shown` when commander has printed what was asked for (help, version), a usage error when the command
 * line was wrong, undefined for anything else.
 */
export function usageError(
  error: unknown,
  program: Command,
  args: readonly string[],
): BackupError | 'shown' | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  if (error.exitCode === 0) return 'shown';
  if (error.code === 'commander.help') {
    return new BackupError('usage', 'No command was given.', {
      remedy: 'Choose one of those above; `mosaic-backup <command> --help` has examples.',
    });
  }
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const sentence = what.replace(/\.+$/, '');
  const message = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
  const near = /\(Did you mean (.*)\?\)/.exec(suggestion ?? '')?.[1];
  const help = `See \`${named(program, args)} --help\`.`;
  return new BackupError('usage', message, { remedy: near === undefined ? help : `Did you mean ${near}? ${help}` });
}

/** The command that was meant, as far as there is one: `mosaic-backup keys kit`. */
function named(program: Command, args: readonly string[]): string {
  let command = program;
  const words = [program.name()];
  for (const arg of args) {
    const inner = command.commands.find((one) => one.name() === arg);
    if (inner === undefined) continue;
    command = inner;
    words.push(arg);
  }
  return words.join(' ');
}
