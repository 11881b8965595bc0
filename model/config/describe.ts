/** Turns what zod found into problems in the words of a config's author. */
import type { z } from 'zod';
import { SOURCE_TYPES } from '../source.ts';
import { descriptionAt, keysAt } from './keys-at.ts';
import { nearest } from './nearest.ts';
import { valueAt, type ConfigPath, type ConfigProblem } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** @param data the plain data that was parsed. */
export function describeIssues(issues: readonly Issue[], data: unknown): readonly ConfigProblem[] {
  return issues.flatMap((issue) => describeIssue(issue, data));
}

function describeIssue(issue: Issue, data: unknown): readonly ConfigProblem[] {
  // Our keys are texts and numbers; zod's paths allow symbols as well.
  const path = issue.path as ConfigPath;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], data));
  if (issue.code === 'invalid_union' && 'discriminator' in issue) return [wrongType(path, issue, data)];
  if (issue.code === 'invalid_union') {
    const meant = meantBy(issue, data);
    if (meant) return describeIssues(meant, data);
  }
  const value = valueAt(data, path);
  if (value === undefined && !isWritten(data, path)) return [missing(path, data)];
  if (issue.code === 'invalid_value') return [notOneOf(path, issue.values.map(String), value)];
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) {
    return [
      { path, at: 'value', message: `must be ${a(issue.expected)}, not ${kindOf(value)}`, remedy: purpose(path, data) },
    ];
  }
  if (issue.code === 'too_big' && issue.origin === 'number') return [outOfRange(path, `at most ${issue.maximum}`)];
  if (issue.code === 'too_small' && issue.origin === 'number') return [outOfRange(path, `at least ${issue.minimum}`)];
  return [{ path, at: 'value', ...messageOf(issue) }];
}

/**
 * What is wrong of a mapping that is one of several, by the only one that it can have been meant as: the one that lacks no key. Where
 * there is none, or more than one, nobody can tell.
 */
function meantBy(
  { path, errors }: Issue & { readonly code: 'invalid_union' },
  data: unknown,
): readonly Issue[] | undefined {
  const members = errors.map((issues) => issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })));
  const [meant, ...others] = members.filter((issues) =>
    issues.every((issue) =>
      issue.path.length > path.length ? isWritten(data, issue.path as ConfigPath) : issue.code === 'unrecognized_keys',
    ),
  );
  return others.length === 0 ? meant : undefined;
}

/** A schema's message may hold the remedy as its second line. zod's own are sentences such as "Too big: …". */
function messageOf(issue: Issue): Pick<ConfigProblem, 'message' | 'remedy'> {
  const [message = '', remedy = null] = issue.message.split('\n');
  return { message: message.replace(/^[A-Z][a-z]+ [a-z]+: /, ''), remedy };
}

function outOfRange(path: ConfigPath, bound: string): ConfigProblem {
  return { path, at: 'value', message: `must be ${bound}`, remedy: null };
}

function unknownKey(path: ConfigPath, data: unknown): ConfigProblem {
  const key = String(path.at(-1));
  const known = keysAt(path.slice(0, -1), data);
  const near = nearest(key, known);
  const list = `Known here: ${known.join(', ')}.`;
  return { path, at: 'key', message: 'unknown key', remedy: near ? `Did you mean "${near}"? ${list}` : list };
}

function missing(path: ConfigPath, data: unknown): ConfigProblem {
  return { path, at: 'value', message: 'is missing', remedy: purpose(path, data) };
}

function wrongType(path: ConfigPath, issue: Issue & { readonly code: 'invalid_union' }, data: unknown): ConfigProblem {
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  const value = valueAt(data, path);
  const planned: readonly unknown[] = SOURCE_TYPES;
  if (path[0] === 'sources' && planned.includes(value) && typeof value === 'string') {
    return {
      path,
      at: 'value',
      message: `this version cannot capture "${value}" yet`,
      remedy: `It knows: ${options.join(', ')}.`,
    };
  }
  if (value !== undefined) return notOneOf(path, options, value);
  const parent = valueAt(data, path.slice(0, -1));
  const near = nearest(issue.discriminator ?? '', Object.keys(typeof parent === 'object' ? (parent ?? {}) : {}));
  return {
    path,
    at: 'value',
    message: 'is missing',
    remedy: `${near ? `Did you mean it by "${near}"? ` : ''}${oneOf(options)}`,
  };
}

function notOneOf(path: ConfigPath, options: readonly string[], value: unknown): ConfigProblem {
  const near = typeof value === 'string' ? nearest(value, options) : undefined;
  const remedy = near ? `Did you mean "${near}"? ${oneOf(options)}` : oneOf(options);
  return { path, at: 'value', message: near ? `"${String(value)}" is not known here` : 'not known here', remedy };
}

function oneOf(options: readonly string[]): string {
  return options.length === 1 ? `Write: ${options.join('')}.` : `One of: ${options.join(', ')}.`;
}

/** What the schema says about the field, as a sentence. */
function purpose(path: ConfigPath, data: unknown): string | null {
  const description = descriptionAt(path, data);
  return description ? `${description.charAt(0).toUpperCase()}${description.slice(1)}.` : null;
}

function isWritten(data: unknown, path: ConfigPath): boolean {
  const parent = valueAt(data, path.slice(0, -1));
  return typeof parent === 'object' && parent !== null && Object.hasOwn(parent, path.at(-1) ?? '');
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys',
  record: 'a mapping of names',
  null: 'empty',
};

function a(expected: string): string {
  return KINDS[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return KINDS[typeof value] ?? typeof value;
}
