/** What the command line says to `restore`. */
export interface RestoreOptions {
  readonly source?: string;
  readonly path?: readonly string[];
  readonly to?: string;
  readonly inPlace?: boolean;
  readonly confirm?: string;
  readonly acceptUnsaved?: boolean;
  readonly resume?: boolean;
  readonly undo?: boolean;
  readonly from?: string;
  readonly dryRun?: boolean;
  readonly acceptAge?: boolean;
  readonly at?: string;
  readonly before?: string;
}
