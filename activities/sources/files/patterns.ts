/** The globs of `exclude` and `volatile`, for tar and for our own matching: model/config/glob.ts says what they mean. */
import { BRACKET, MEMBER, parsePattern, RANGE, type Pattern } from '../../../model/config/glob.ts';
import { bytesOf } from './names.ts';

/** All patterns of a list. A config with a wrong one was refused. */
export function patternsOf(texts: readonly string[]): readonly Pattern[] {
  return texts.map((text) => {
    const parsed = parsePattern(text);
    if ('glob' in parsed) return parsed;
    throw new TypeError(`"${text}" is no glob: ${parsed.problem}`);
  });
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

/** A glob as a regular expression, of what `bytesOf` gives. */
export function expression(glob: string): string {
  let result = '';
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob.charAt(at);
    const bracket = character === '[' ? BRACKET.exec(glob.slice(at)) : null;
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

/** The characters that the inside of brackets names, ranges written out. */
function membersOf(inside: string): ReadonlySet<string> {
  const members = new Set<string>();
  for (const [, range = '', single = ''] of inside.matchAll(MEMBER)) {
    const [, from = '', to = from] = RANGE.exec(range) ?? [single, single.slice(-1)];
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code += 1) members.add(String.fromCharCode(code));
  }
  return members;
}

function literal(character: string): string {
  return /[.[\\()*+?{|^$]/.test(character) ? `\\${character}` : character;
}
