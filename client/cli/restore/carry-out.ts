/**
 * Who restores: the worker of the host, where a Temporal answers soon and that worker begins soon; else this process, and it is said why. With --direct it
 * is this process at once; with --on it is the worker of that host, or nobody.
 */
import { restoreFromPlaces } from '../../../activities/operations/restore-run.ts';
import { BackupError, isErrorCode, type ErrorFacts } from '../../../model/errors.ts';
import type { Restored, RestoreInput } from '../../../model/restore-run.ts';
import type { StepError } from '../../../model/run.ts';
import type { Cli } from '../context.ts';
import type { RestoreOptions } from './options.ts';

/** @throws BackupError as the restore itself. */
export async function carryOut(cli: Cli, input: RestoreInput, options: RestoreOptions): Promise<Restored> {
  if (await staysHere(cli, options)) return restoreHere(cli, input);
  if (options.on !== undefined) {
    const { restoreByWorker } = await import('./by-worker.ts');
    return restoreByWorker(cli, input);
  }
  const { restoreOffered } = await import('./offered.ts');
  return restoreOffered(cli, input);
}

/**
 * Whether no worker is asked. One goes by its own config: what this one reads as it was before an attack, it would read as the attacker left it.
 * @throws BackupError `usage` where a worker is to do just that.
 */
export async function staysHere(cli: Cli, { on, direct }: RestoreOptions): Promise<boolean> {
  const { destinations } = (await cli.site()).config;
  const old = Object.entries(destinations).find(([, one]) => one.type === 's3' && one.before !== undefined);
  if (old === undefined) return on === undefined && (direct === true || !(await hasTemporal(cli)));
  const why = `by this config ${old[0]} is read as it was before, and a worker goes by its own`;
  if (on !== undefined) {
    throw new BackupError('usage', `${why}.`, { remedy: 'Leave --on out, or give the command on that host.' });
  }
  if (direct !== true) sayHere(cli, why);
  return true;
}

/** False where there is none to be asked: then nothing more is loaded. One whose settings cannot be read is told of. */
async function hasTemporal(cli: Cli): Promise<boolean> {
  const { configuredEndpoint, embeddedEndpoint } = await import('../../temporal/endpoint.ts');
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

/** What a step of a run failed with, as whoever waits for it throws it. */
export function failureOf({ code, message, remedy }: StepError, facts: ErrorFacts = {}): BackupError {
  return new BackupError(isErrorCode(code) ? code : 'failed', message, remedy === null ? { facts } : { remedy, facts });
}
