/** What a command prints: results on stdout, everything else on stderr. */
import { stripVTControlCharacters, styleText } from 'node:util';

export type Json = Readonly<Record<string, unknown>>;
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** What of a stream is written to, and asked. */
export interface Stream extends Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> {
  write(text: string): boolean;
}

export interface Streams {
  readonly stdout: Stream;
  readonly stderr: Stream;
}

export interface Output {
  readonly json: boolean;
  /** Whether a person looks at stderr: progress may then redraw its line. */
  readonly interactive: boolean;
  /** The one result of a command: the value under --json, else the text. */
  readonly result: (value: Json, text: () => string) => void;
  /** A remark for people, on stderr. */
  readonly note: (text: string) => void;
  /** Colours a text for stdout, where that is a terminal and NO_COLOR is not set. */
  readonly style: (style: Style, text: string) => string;
  /** Redraws one line on stderr; without a terminal nothing. An empty text removes it. */
  readonly redraw: (text: string) => void;
}

export function createOutput(options: { readonly json: boolean; readonly env: NodeJS.ProcessEnv } & Streams): Output {
  const { json, env, stdout, stderr } = options;
  const colour = stdout.isTTY && !json && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const interactive = stderr.isTTY && env['TERM'] !== 'dumb';
  let drawn = false;

  function redraw(text: string): void {
    if (!interactive || (text === '' && !drawn)) return;
    // Cut to the width, which a serial line does not tell: a line that wraps could not be redrawn.
    stderr.write(`\r\u001B[2K${text.slice(0, Math.max(20, (stderr.columns || 80) - 1))}`);
    drawn = text !== '';
  }

  return {
    json,
    interactive,
    redraw,
    result(value, text) {
      redraw('');
      if (!json) {
        stdout.write(withLineBreak(text()));
        return;
      }
      // By itself: behind a hundred megabytes of JSON it would make a copy of them.
      stdout.write(JSON.stringify(value, null, 2));
      stdout.write('\n');
    },
    note(text) {
      redraw('');
      stderr.write(withLineBreak(text));
    },
    // styleText itself looks at the stream; what counts was decided above.
    style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
  };
}

function withLineBreak(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** A table with aligned columns. Cells may carry colours; numbers (columns named in `right`) align to the right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => width(row[column] ?? ''))));
  const lines = [header, ...rows].map((row) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell)));
        return right.includes(header[column] ?? '') ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
