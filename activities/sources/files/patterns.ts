/**
 * The globs of `exclude` and `volatile`. One meaning for tar and our own matching:
 * - without a slash at the start, a glob is looked for at any depth: `*.log`, `node_modules`, `cache/*.tmp`;
 *   with one, it starts at the root: `/srv/app/cache`;
 * - what matches is left out with all that is in it; `cache/` (or `cache/**`) leaves out what is in folders of that
 *   name and keeps the empty folder;
 * - `*` and `?` match anything but a slash, `[a-z]` and `[!a-z]` one character, a backslash takes the next
 *   character literally. `?` is one byte. `**` may stand first or last only.
 */
import { bytesOf } from './names.ts';

export interface Pattern {
  /** As written in the config. */
  readonly text: string;
  /** From the root, without the leading slash. */
  readonly anchored: boolean;
  readonly glob: string;
}

/** The pattern of a glob, or what is wrong with it and what to write instead. */
export function parsePattern(text: string): Pattern | { readonly problem: string } {
  if (text.startsWith('!')) return { problem: `"${text}": a glob cannot take back another; write narrower globs` };
  if (/^\.\.?\//.test(text))
    return { problem: `"${text}": a glob starts at the root, with a slash, or matches at any depth` };
  let glob = text;
  const anchored = glob.startsWith('/') && !glob.startsWith('/**/');
  glob = glob.replace(/^\/?(?:\*\*\/)*/, '').replace(/^\/+/, '');
  glob = glob.replace(/(?:\/\*\*)+\/?$/, '/').replace(/\/+$/, '/*');
  if (/(?:^|\/)\*\*(?:\/|$)/.test(glob))
    return { problem: `"${text}": ** may stand first or last only; write one glob for each depth` };
  if (/\[[^\]]*[^\u0020-\u007e]|\[[^\]]*\/|\[[:.=]/.test(glob))
    return { problem: `"${text}": brackets hold plain ASCII characters and ranges only` };
  if (glob === '' || glob === '*' || glob === '/*') return { problem: `"${text}" would leave out everything` };
  return { text, anchored, glob };
}

/** All patterns of a list; those that are wrong are left out (preflight reports them). */
export function patternsOf(texts: readonly string[]): readonly Pattern[] {
  return texts.map(parsePattern).filter((parsed) => 'glob' in parsed);
}

/** tar's arguments for leaving out what the patterns match. */
export function tarExcludes(patterns: readonly Pattern[]): readonly string[] {
  if (patterns.length === 0) return [];
  const each = patterns.flatMap(({ anchored, glob }) => [
    anchored ? '--anchored' : '--no-anchored',
    `--exclude=${glob}`,
  ]);
  // Not --wildcards: it is the default here, and given it makes tar 1.34 record no folders with --listed-incremental.
  return ['--no-wildcards-match-slash', ...each];
}

/** Whether a path (relative to the root) or a folder above it is matched. */
export function matcher(patterns: readonly Pattern[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  const alternatives = patterns.map(
    ({ anchored, glob }) => `${anchored ? '' : '(?:.*/)?'}${expression(bytesOf(glob))}`,
  );
  const whole = new RegExp(`^(?:${alternatives.join('|')})(?:/.*)?$`, 's');
  return (path) => whole.test(bytesOf(path));
}

/** A path as the glob that matches it alone: for remedies. */
export function globOf(path: string): string {
  return path.replaceAll(/[*?[\\]/g, '\\$&');
}

/** A glob as a regular expression. */
function expression(glob: string): string {
  let result = '';
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob.charAt(at);
    const bracket = character === '[' ? /^\[([!^]?)(\]?(?:\\.|[^\]\\])*)\]/.exec(glob.slice(at)) : null;
    if (bracket) {
      const inside = Array.from(membersOf(bracket[2] ?? ''), (member) => member.replace(/[\]\\^-]/, '\\$&'));
      result += `[${bracket[1] === '' ? '' : '^/'}${inside.join('')}]`;
      at += bracket[0].length - 1;
    } else if (character === '*') result += '[^/]*';
    else if (character === '?') result += '[^/]';
    else if (character === '\\' && at + 1 < glob.length) result += literal(glob.charAt((at += 1)));
    else result += literal(character);
  }
  return result;
}

/** The characters that the inside of brackets names, ranges written out: one that runs backwards holds none. */
function membersOf(inside: string): ReadonlySet<string> {
  const members = new Set<string>();
  for (const [, range = '', single = ''] of inside.matchAll(/((?:\\.|[^\\])-(?:\\.|[^\\]))|((?:\\.|[^\\]))/gs)) {
    const [from = '', to = from] = range === '' ? [single] : (/^(\\?.)-(\\?.)$/s.exec(range)?.slice(1) ?? []);
    const last = to.charCodeAt(to.length - 1);
    for (let code = from.charCodeAt(from.length - 1); code <= last; code += 1) members.add(String.fromCharCode(code));
  }
  return members;
}

function literal(character: string): string {
  return /[.[\\()*+?{|^$]/.test(character) ? `\\${character}` : character;
}
