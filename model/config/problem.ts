/** What is wrong in a config: found by path, shown with file, line and column. Never holds the value of a secret. */

export type ConfigPath = readonly (string | number)[];

export interface ConfigProblem {
  readonly path: ConfigPath;
  /** Whether the key itself is wrong, or its value. */
  readonly at: 'key' | 'value';
  readonly message: string;
  /** What would be right; null where the message says it all. */
  readonly remedy: string | null;
}

export interface LocatedProblem {
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** `sources.postgres.connection.port`, `encryption.recipients[1]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string | null;
}

/** A path as people write it. */
export function formatPath(path: ConfigPath): string {
  return path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`;
      return /^[^\s.[\]"]+$/.test(part) ? `.${part}` : `.${JSON.stringify(part)}`;
    })
    .join('')
    .replace(/^\./, '');
}

/** One problem as a line, with its remedy below: `file:3:5: sources.pg.typ: unknown key`. */
export function formatProblem({ file, line, column, path, message, remedy }: LocatedProblem): string {
  const where = [`${file}:${line}:${column}`, ...(path === '' ? [] : [path]), message].join(': ');
  return remedy === null ? where : `${where}\n    ${remedy}`;
}

/** What stands at a path in the plain data of a config; undefined where nothing does. */
export function valueAt(data: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    return (value as Readonly<Record<string | number, unknown>>)[part];
  }, data);
}
