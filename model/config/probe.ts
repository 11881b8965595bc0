/** The `probes` of a source: the user's own questions to what was restored, with the answers that are expected. */
import { z } from 'zod';
import { duration } from '../units.ts';
import { absolutePath } from './fields.ts';

const common = {
  name: z.string().min(1).max(100).optional().describe('as which it stands in reports; absent: what it asks'),
  timeout: duration
    .refine(
      (milliseconds) => milliseconds > 0,
      'nothing is no wait\nWrite a number above zero with its unit, as in 30s.',
    )
    .prefault('30s')
    .describe('how long it may take; no answer within that is a wrong one'),
};

const expected = z.union(
  [
    z.string(),
    z.number(),
    z
      .strictObject({ min: z.number().optional(), max: z.number().optional() })
      .refine(
        ({ min, max }) => min !== undefined || max !== undefined,
        'any number would do\nWrite min, max, or both.',
      ),
    z.strictObject({
      matches: z
        .string()
        .refine(isExpression, 'not a regular expression\nWrite one of JavaScript, as in "^\\\\d+$".')
        .refine((text) => !matchesAll(text), 'any answer would do\nWrite one that a wrong answer does not match.')
        .describe('a regular expression that is found in the answer'),
    }),
  ],
  { error: 'not an answer\nWrite it in quotes ("42"), or { min: 1, max: 9 }, or { matches: "^[0-9]+$" }.' },
);
export type Expected = z.output<typeof expected>;

const queryProbe = z.strictObject({
  query: z.string().min(1).describe('SQL, or of Redis a command with its arguments'),
  database: z.string().min(1).optional().describe("where it is asked; absent: the connection's"),
  expect: expected.describe('the answer, rows by lines and fields by tabs; or a range; or what it matches'),
  ...common,
});
export type QueryProbe = z.output<typeof queryProbe>;

const fileProbe = z
  .strictObject({
    file: absolutePath.describe('as it was called at the source'),
    exists: z.boolean().default(true).describe('false: it must not be there'),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'not a SHA-256\nWrite its 64 hexadecimal digits in lower case; sha256sum prints them.')
      .optional(),
    contains: z.string().min(1).optional().describe('a text that stands in it'),
    ...common,
  })
  .refine(
    ({ exists, sha256, contains }) => exists || (sha256 === undefined && contains === undefined),
    'what is not there contains nothing\nLeave sha256 and contains out, or exists.',
  );
export type FileProbe = z.output<typeof fileProbe>;

const gitProbe = z.strictObject({
  git: absolutePath.describe('the folder of a repository, as it was called at the source'),
  branch: z.string().min(1).optional().describe('one that must be there'),
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'not the full name of a commit\ngit rev-parse prints it.')
    .optional()
    .describe('one that must be reachable: from the branch, where one is named'),
  ...common,
});
export type GitProbe = z.output<typeof gitProbe>;

const httpProbe = z.strictObject({
  http: z
    .strictObject({
      url: z
        .url({
          protocol: /^http$/,
          error: 'not an address of HTTP\nWrite it whole, as in http://wiki.example.com:8080/login.',
        })
        .describe("where the service answers; whatever its name is, only the sandbox's own 127.0.0.1 is asked"),
      status: z.int().min(100).max(599).default(200),
      contains: z.string().min(1).optional().describe('a text that stands in what it answers'),
    })
    .describe('asked of what `start` runs'),
  ...common,
});
export type HttpProbe = z.output<typeof httpProbe>;

/** A program and its arguments. */
export const probeCommand = z
  .array(z.string().min(1))
  .min(1, 'no program\nWrite it with its arguments: [/usr/local/bin/look, "{restored}"].');

const commandProbe = z.strictObject({
  command: probeCommand.describe(
    'exit status 0 is right, any other is wrong; {restored} stands for the restored folder',
  ),
  ...common,
});
export type CommandProbe = z.output<typeof commandProbe>;

const probe = z.union([queryProbe, fileProbe, gitProbe, httpProbe, commandProbe], {
  error:
    'not a probe\nWrite { query: …, expect: … }, { file: … }, { git: … }, { http: { url: … } } or { command: […] }; docs/restore-tests.md has them all.',
});
export type Probe = z.output<typeof probe>;

export const PROBE_KINDS = ['query', 'file', 'git', 'http', 'command'] as const;
export type ProbeKind = (typeof PROBE_KINDS)[number];

export const probes = z
  .array(probe)
  .default([])
  .describe('questions to what was restored, in restore tests and drills, with the answers that are expected');

export function kindOf(asked: object): ProbeKind | undefined {
  return PROBE_KINDS.find((kind) => Object.hasOwn(asked, kind));
}

/** As which it stands in reports. */
export function probeName(asked: Probe): string {
  if (asked.name !== undefined) return asked.name;
  if ('query' in asked) return short(asked.query);
  if ('file' in asked) return asked.file;
  if ('git' in asked) return `git ${asked.git}`;
  if ('http' in asked) return asked.http.url;
  return short(asked.command.join(' '));
}

const SHORT = 80;

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= SHORT ? line : `${line.slice(0, SHORT - 1)}…`;
}

/** Answers that have nothing in common: what matches all of them can never be wrong. */
const UNLIKE = ['', '0', 'a', '\u0001\n-'];

function matchesAll(text: string): boolean {
  return isExpression(text) && UNLIKE.every((answer) => new RegExp(text, 'm').test(answer));
}

function isExpression(text: string): boolean {
  try {
    return new RegExp(text, 'm') instanceof RegExp;
  } catch {
    return false;
  }
}
