/**
 * The globs of `exclude` and `volatile`. One meaning for tar and our own matching:
 * - without a slash at the start, a glob is looked for at any depth: `*.log`, `node_modules`, `cache/*.tmp`;
 *   with one, it starts at the root: `/srv/app/cache`;
 * - what matches is left out with all that is in it; `cache/` (or `cache/**`) leaves out what is in folders of that
 *   name and keeps the empty folder;
 * - `*` and `?` match anything but a slash, `[a-z]` and `[!a-z]` one character, a backslash takes the next
 *   character literally. `?` is one byte. `**` may stand first or last only.
 */
import { z } from 'zod';

export interface Pattern {
  /** As written in the config. */
  readonly text: string;
  /** From the root, without the leading slash. */
  readonly anchored: boolean;
  readonly glob: string;
}

/** What is wrong with a glob, and what to write instead. */
export interface PatternProblem {
  readonly problem: string;
  readonly remedy: string;
}

/** A glob in a config: what tar would take otherwise than its writer, or not at all, is an error of the config. */
export const glob = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const parsed = parsePattern(text);
    if (text === '' || 'glob' in parsed) return;
    context.addIssue({ code: 'custom', message: `${parsed.problem}\n${parsed.remedy}`, input: text });
  });

/** The pattern of a glob, or what is wrong with it. */
export function parsePattern(text: string): Pattern | PatternProblem {
  if (text.startsWith('!')) return wrong('a glob cannot take back another', 'Write narrower globs.');
  if (/^\.\.?\//.test(text))
    return wrong(
      'nothing in a backup has a name that begins like this',
      'Begin with a slash, for a path from the root, or without any slash, for a match at any depth.',
    );
  const anchored = text.startsWith('/') && !text.startsWith('/**/');
  const glob = text
    .replace(/^\/?(?:\*\*\/)*/, '')
    .replace(/^\/+/, '')
    .replace(/(?:\/\*\*)+\/?$/, '/')
    .replace(/\/+$/, '/*');
  if (/(?:^|\/)\*\*(?:\/|$)/.test(glob))
    return wrong('** may stand first or last only', 'Write one glob for each depth, as in a/*/b.');
  if (glob === '' || glob === '*' || glob === '/*')
    return wrong('it would match everything', 'Write what is meant, or leave it out.');
  return malformedIn(glob) ?? { text, anchored, glob };
}

/** A bracket: whether what it names is meant, or all else, and its members, of which the first may be `]`. */
export const BRACKET = /^\[([!^]?)(\]?(?:\\.|[^\]\\])*)\]/s;

/** A range of a bracket's members, or a single one. */
export const MEMBER = /((?:\\.|[^\\])-(?:\\.|[^\\]))|((?:\\.|[^\\]))/gs;

/** Both ends of a range; each may have a backslash before it. */
export const RANGE = /^\\?(.)-\\?(.)$/s;

/** To tar an open bracket is the character, and a backslash without any behind it nothing, or itself. */
function malformedIn(glob: string): PatternProblem | undefined {
  for (let at = 0; at < glob.length; at += 1) {
    if (glob[at] === '\\') {
      at += 1;
      if (at < glob.length) continue;
      return wrong('a backslash takes the next character literally, and none comes', 'Write two for a backslash.');
    }
    if (glob[at] !== '[') continue;
    const [bracket, , inside] = BRACKET.exec(glob.slice(at)) ?? [];
    // A bracket right behind the opening one is a member, and closes nothing.
    if (bracket === undefined || !inside)
      return wrong('a bracket is opened and not closed', 'Close it, as in [a-z], or write \\[ for the character.');
    const problem = malformedBracket(inside);
    if (problem) return problem;
    at += bracket.length - 1;
  }
  return undefined;
}

/** In the bytes that tar compares, anything but ASCII is several characters; a slash ends a name. */
function malformedBracket(inside: string): PatternProblem | undefined {
  if (/[^\u0020-\u007e]|\/|\[[:.=]/.test(inside))
    return wrong('brackets hold plain ASCII characters and ranges only', 'Write a glob for each, or ? for any byte.');
  for (const [, range = ''] of inside.matchAll(MEMBER)) {
    const [, from = '', to = ''] = RANGE.exec(range) ?? [];
    if (from > to)
      return wrong(
        `the range ${range} runs backwards: it holds nothing`,
        'Write the lower character first, as in [a-z].',
      );
  }
  return undefined;
}

function wrong(problem: string, remedy: string): PatternProblem {
  return { problem, remedy };
}
