/** A running server as it is written on the command line: `host=/run/postgresql user=postgres database=shop`. */
import { BackupError } from './errors.ts';

/** A value may be quoted, with a backslash before a quote or backslash in it, as libpq has it. */
const PAIR = /\s*([a-z]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s']\S*))(?=\s|$)/y;

/**
 * Reads settings by name.
 * @throws BackupError `usage` for anything else, for a setting that stands twice, and for a password: arguments are seen by everybody.
 */
export function parseInto(text: string): Readonly<Record<string, string>> {
  const settings = new Map<string, string>();
  PAIR.lastIndex = 0;
  while (text.slice(PAIR.lastIndex).trim() !== '') {
    const [, name = '', quoted, plain] = PAIR.exec(text) ?? [];
    // Never repeated: somebody may have put a password into it.
    if (name === '') throw wrong('--into has a part that is no name=value.');
    if (name.startsWith('pass'))
      throw wrong('A password never stands in an argument: every user of the machine could read it.');
    if (settings.has(name)) throw wrong(`--into says ${name} twice.`);
    settings.set(name, quoted === undefined ? (plain ?? '') : quoted.replaceAll(/\\(.)/g, '$1'));
  }
  return Object.fromEntries(settings);
}

function wrong(what: string): BackupError {
  return new BackupError('usage', what, {
    remedy:
      'Write it as in "host=/run/postgresql user=postgres database=shop", and the password into a file (--password-file) or a variable (--password-env).',
  });
}
