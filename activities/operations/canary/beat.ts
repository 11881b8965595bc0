/** One row of a source's canary. What keeps it from being written is told once, until it is written again. */
import { BackupError } from '../../../model/errors.ts';
import type { Site } from '../../site.ts';
import { adapterFor } from '../../sources/index.ts';
import type { Work } from '../../work.ts';
import { bounded } from '../bounded.ts';
import { logsSource } from '../ship-logs.ts';
import { sourceConfig } from '../source-config.ts';

/** Milliseconds: a server that does not answer for so long is away. */
const LIMIT = 15_000;

/** By source: the code of the error that was told last. */
export type Failing = Map<string, string>;

export interface Beat {
  readonly site: Site;
  readonly source: string;
  readonly failing: Failing;
  readonly work: Work;
}

/** @returns whether it was written. Fails with nothing but mistakes of ours, and with its cancellation. */
export async function beatOnce({ site, source, failing, work }: Beat): Promise<boolean> {
  const adapter = adapterFor(sourceConfig(site, source).type);
  const remedy = 'It is tried again. Look at the server.';
  const what = `writing a row of the canary of ${source}`;
  try {
    await bounded({ what, limit: LIMIT, remedy, work }, async (bound) =>
      adapter.beat?.(logsSource({ site, source, work: bound })),
    );
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    if (failing.get(source) === error.code) return false;
    failing.set(source, error.code);
    const { code, message, remedy: todo } = error;
    work.log.warn({ source, code, error: site.redact(message), remedy: todo }, 'a canary writes nothing');
    return false;
  }
  if (failing.delete(source)) work.log.info({ source }, 'a canary writes again');
  return true;
}
