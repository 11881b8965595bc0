/** Commander's errors in our taxonomy. */
import { CommanderError } from 'commander';
import { BackupError } from '../../model/errors.ts';

/**
 * @returns `shown` when commander has printed what was asked for (help, version), a usage error when the command
 * line was wrong, undefined for anything else.
 */
export function usageError(error: unknown): BackupError | 'shown' | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  if (error.exitCode === 0) return 'shown';
  if (error.code === 'commander.help') {
    return new BackupError('usage', 'No command was given.', {
      remedy: 'Choose one of those above; `mosaic-backup <command> --help` has examples.',
    });
  }
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const message = `${what.charAt(0).toUpperCase()}${what.slice(1)}.`;
  const near = /\(Did you mean (.*)\?\)/.exec(suggestion ?? '')?.[1];
  return new BackupError('usage', message, {
    remedy: near === undefined ? 'See `mosaic-backup --help`.' : `Did you mean ${near}? See \`mosaic-backup --help\`.`,
  });
}
