/** The command that recovers a source: in a drill, and in the runbook that the drill proves. Pure. */

/** @typeParam Other what stands for words that are known only when the command is given, as variables of a shell. */
export interface RestoreWords<Other extends object> {
  /** The config of the recovery, and the host. */
  readonly options: readonly string[];
  /** A reference; `latest`: the newest that is left, however old; else a recovery point. */
  readonly what: string | { readonly point: Other };
  readonly source: string;
  readonly from: string;
  /** How far its logs are replayed; null: it has none. */
  readonly at: string | Other | null;
  readonly to: string | Other;
}

/** Without the name of the program. Its own process does it, by the config of the recovery: where everything is gone there is no worker, and one that is left goes by its own config. */
export function restoreWords<Other extends object>(restoring: RestoreWords<Other>): readonly (string | Other)[] {
  const { options, what, source, from, at, to } = restoring;
  const of = ['--source', source, '--from', from];
  if (typeof what !== 'string') return [...options, 'restore', '--point', what.point, ...of, '--to', to, '--direct'];
  const age = what === 'latest' ? ['--accept-age'] : [];
  return [...options, 'restore', what, ...of, ...(at === null ? age : ['--at', at]), '--to', to, '--direct'];
}
