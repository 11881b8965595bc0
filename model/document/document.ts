/** What a document is made of, before it is Markdown or a page: its texts come from anywhere, and are escaped by whoever writes them. */

export type Inline = string | { readonly code: string } | { readonly strong: string };
/** One line of text. */
export type Line = Inline | readonly Inline[];

export type Block =
  | { readonly kind: 'heading'; readonly level: 2 | 3; readonly line: Line }
  | { readonly kind: 'text'; readonly line: Line }
  /** What must not be overlooked. */
  | { readonly kind: 'warning'; readonly line: Line }
  | { readonly kind: 'list'; readonly items: readonly Line[] }
  | {
      readonly kind: 'table';
      readonly header: readonly string[];
      readonly rows: readonly (readonly Line[])[];
      /** Columns of numbers. */
      readonly right?: readonly string[];
    }
  | { readonly kind: 'code'; readonly language: 'sh' | 'yaml' | 'text'; readonly text: string }
  /** Drawn on pages; Markdown has tables beside it. `svg` is ours, its texts escaped. */
  | { readonly kind: 'figure'; readonly svg: string };

export interface Document {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export function heading(level: 2 | 3, line: Line): Block {
  return { kind: 'heading', level, line };
}

export function text(line: Line): Block {
  return { kind: 'text', line };
}

export function code(language: 'sh' | 'yaml' | 'text', content: string): Block {
  return { kind: 'code', language, text: content.replace(/\n+$/, '') };
}

/** A table, without columns in which nothing stands; nothing where it has no rows. */
export function table(
  header: readonly string[],
  rows: readonly (readonly Line[])[],
  right: readonly string[] = [],
): readonly Block[] {
  if (rows.length === 0) return [];
  const isUsed = (_: unknown, column: number): boolean => rows.some((row) => row[column] !== '');
  return [{ kind: 'table', header: header.filter(isUsed), rows: rows.map((row) => row.filter(isUsed)), right }];
}

/** A list; nothing where it has no items. */
export function list(items: readonly Line[]): readonly Block[] {
  return items.length === 0 ? [] : [{ kind: 'list', items }];
}

export function partsOf(line: Line): readonly Inline[] {
  return isParts(line) ? line : [line];
}

function isParts(line: Line): line is readonly Inline[] {
  return Array.isArray(line);
}

/** Text on one line, without what would steer a terminal, or turn the direction of writing around. */
export function onOneLine(content: string): string {
  return within(content).trim();
}

/** The same of a part of a line: a space at its edge stays. */
export function within(content: string): string {
  return content.replaceAll(STEERING, ' ').replaceAll(/\s+/gu, ' ');
}

// eslint-disable-next-line no-control-regex -- control characters are what is replaced
const STEERING = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Lines of code as they are, but for control characters. */
export function asLines(content: string): string {
  return content
    .split('\n')
    .map((each) => each.replaceAll(STEERING, ' ').trimEnd())
    .join('\n');
}
