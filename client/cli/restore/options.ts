/** What the command line says to `restore`. */
export interface RestoreOptions {
  readonly source?: string;
  readonly path?: readonly string[];
  readonly to?: string;
  /** The host whose worker restores, to a folder there. */
  readonly on?: string;
  /** In this process, whoever else could. */
  readonly direct?: boolean;
  /** A private server on what was restored, until ^C. */
  readonly serve?: boolean;
  readonly point?: string;
  readonly inPlace?: boolean;
  readonly confirm?: string;
  readonly acceptUnsaved?: boolean;
  readonly resume?: boolean;
  readonly undo?: boolean;
  readonly from?: string;
  readonly thaw?: string;
  readonly dryRun?: boolean;
  readonly acceptAge?: boolean;
  readonly at?: string;
  readonly before?: string;
  readonly database?: string;
  readonly table?: readonly string[];
  /** A pattern of keys. */
  readonly key?: string;
  readonly into?: string;
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
  readonly replace?: boolean;
  /** False with --no-owner. */
  readonly owner?: boolean;
}

/** Whether a restore is meant that goes into a running server. */
export function goesIntoServer({ into, database, table, key }: RestoreOptions): boolean {
  return [into, database, table, key].some((each) => each !== undefined);
}
