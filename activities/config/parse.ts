/** Text of a config file → site, or all that is wrong with it at once. */
import { LineCounter, parseDocument, visit, type Document } from 'yaml';
import { checkSite } from '../../model/config/checks.ts';
import { describeIssues } from '../../model/config/describe.ts';
import { draftOf } from '../../model/config/draft.ts';
import { formatPath, type ConfigProblem, type LocatedProblem } from '../../model/config/problem.ts';
import { siteConfig, type SiteConfig } from '../../model/config/site.ts';
import { interpolate, shieldVariables, type Environment } from './interpolate.ts';
import { positionAt, positionOf, type Position } from './positions.ts';

export type Parsed =
  | { readonly ok: true; readonly config: SiteConfig }
  | { readonly ok: false; readonly problems: readonly LocatedProblem[] };

interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** @param file only for messages. */
export function parseConfig(text: string, file: string, env: Environment): Parsed {
  const lines = new LineCounter();
  // Without its pretty errors: those quote the line, in which a secret may stand.
  const document = parseDocument(shieldVariables(text), {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    merge: true,
  });
  const source = { file, document, lines };
  const syntax = syntaxProblems(source);
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return failed(syntax);
  if (document.contents === null) return failed([...syntax, emptyFile(source)]);

  const variables = interpolate(document, env).map(({ offset, message, remedy }) =>
    located(source, positionAt(lines, offset), '', message, remedy),
  );
  const data = plainData(source);
  if (data.problems.length > 0) return failed([...syntax, ...variables, ...data.problems]);
  const result = siteConfig.safeParse(data.value);
  const found = [...describeIssues(result.error?.issues ?? [], data.value), ...checkSite(draftOf(data.value))];
  const rest = withoutEchoes(found).map((problem) => locate(source, problem));
  // What a field lacks because its variable is not set, is said once.
  const unset = (problem: LocatedProblem) =>
    variables.some(({ line, column }) => line === problem.line && column === problem.column);
  const problems = [...syntax, ...variables, ...rest.filter((problem) => !unset(problem))];
  if (problems.length > 0 || !result.success) return failed(problems);
  return { ok: true, config: result.data };
}

function failed(problems: readonly LocatedProblem[]): Parsed {
  return { ok: false, problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/** Each key that stands twice, and the first of other errors: what YAML says after that is only its consequence. */
function syntaxProblems({ document, lines, file }: Source): readonly LocatedProblem[] {
  const all = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    code,
    message,
    at: positionAt(lines, pos[0]),
  }));
  const twice = all.filter(({ code }) => code === 'DUPLICATE_KEY');
  const other = all.find(({ code }) => code !== 'DUPLICATE_KEY');
  return [
    ...twice.map(({ at }) => located({ file }, at, '', 'the same key twice', 'Keep one of the two.')),
    ...(other
      ? [
          located(
            { file },
            other.at,
            '',
            `not valid YAML: ${withoutQuotes(other.message)}`,
            'Look at indentation, quotes and brackets here and above.',
          ),
        ]
      : []),
  ];
}

/** YAML's messages may quote what stands there, which may be a secret. */
function withoutQuotes(message: string): string {
  return (/^[^:"'\\\n]*/.exec(message)?.[0] ?? '').trim();
}

function emptyFile(source: Source): LocatedProblem {
  return located(
    source,
    { line: 1, column: 1 },
    '',
    'the file is empty',
    'Write one with `mosaic-backup init`, or start from the example config.',
  );
}

interface PlainData {
  readonly value?: unknown;
  readonly problems: readonly LocatedProblem[];
}

function plainData(source: Source): PlainData {
  const unset = unsetAliases(source);
  if (unset.length > 0) return { problems: unset };
  try {
    return { value: source.document.toJS(), problems: [] };
  } catch (error) {
    // Aliases that multiply without end.
    const message = `not valid YAML: ${withoutQuotes(error instanceof Error ? error.message : 'unreadable')}`;
    return { problems: [located(source, { line: 1, column: 1 }, '', message, null)] };
  }
}

/** A text that begins with `*` is an alias to YAML: a password, for one. It is not repeated. */
function unsetAliases(source: Source): readonly LocatedProblem[] {
  const problems: LocatedProblem[] = [];
  visit(source.document, {
    Alias(_key, node) {
      if (node.resolve(source.document)) return;
      const at = positionAt(source.lines, node.range?.[0] ?? 0);
      const remedy =
        'A value that begins with * stands in for an anchor (&name) above it: put it in quotes if it is a text.';
      problems.push(located(source, at, '', 'refers to nothing', remedy));
    },
  });
  return problems;
}

/** The same remark on the same place, once. */
function withoutEchoes(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = `${formatPath(problem.path)} ${problem.message}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

function locate(source: Source, { path, at, message, remedy }: ConfigProblem): LocatedProblem {
  return located(source, positionOf(source.document, source.lines, path, at), formatPath(path), message, remedy);
}

function located(
  { file }: Pick<Source, 'file'>,
  { line, column }: Position,
  path: string,
  message: string,
  remedy: string | null,
): LocatedProblem {
  return { file, line, column, path, message, remedy };
}
