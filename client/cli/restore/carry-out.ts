/**
 * Who restores: the worker of the host, where a Temporal answers soon and that worker begins soon; else this process, and it is said why. With --direct it
 * is this process at once; with --on it is the worker of that host, or nobody.
 */
import { restoreFromPlaces } from '../../../activities/operations/restore-run.ts';
import type { Restored, RestoreInput } from '../../../model/restore-run.ts';
import type { Cli } from '../context.ts';
import type { RestoreOptions } from './options.ts';

/** @throws BackupError as the restore itself. */
export async function carryOut(cli: Cli, input: RestoreInput, { on, direct }: RestoreOptions): Promise<Restored> {
  if (on !== undefined) {
    const { restoreByWorker } = await import('./by-worker.ts');
    return restoreByWorker(cli, input);
  }
  if (direct || !(await hasTemporal(cli))) return restoreHere(cli, input);
  const { restoreOffered } = await import('./offered.ts');
  return restoreOffered(cli, input);
}

/** False where there is none to be asked: then nothing more is loaded. One whose settings cannot be read is told of. */
export async function hasTemporal(cli: Cli): Promise<boolean> {
  const [{ configuredEndpoint, embeddedEndpoint }, { BackupError }] = await Promise.all([
    import('../../temporal/endpoint.ts'),
    import('../../../model/errors.ts'),
  ]);
  const site = await cli.site();
  try {
    return (configuredEndpoint(site, cli.env) ?? (await embeddedEndpoint(site))) !== undefined;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    sayHere(cli, error.message);
    return false;
  }
}

/** Codes of what a worker lacks, and whoever gives the command may have: an identity that is plugged in for the restore alone. */
export const OF_THE_WORKER: ReadonlySet<string> = new Set(['missing-identity', 'config']);

export function sayHere(cli: Cli, why: string | null): void {
  if (why !== null) cli.out.note(`restored by this command itself, and not by a worker: ${why}`);
}

export async function restoreHere(cli: Cli, input: RestoreInput): Promise<Restored> {
  const tell = (why: string): void => cli.out.note(`passed over: ${why}`);
  return restoreFromPlaces({ site: await cli.site(), input, work: await cli.work(), tell });
}
