/** A restore that is offered to the worker of a host, and done by this process where that does not take it. */
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import { hasRestored } from '../../../activities/operations/restore-run.ts';
import { seeTarget } from '../../../activities/operations/restore-seen.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Restored, RestoreInput } from '../../../model/restore-run.ts';
import { offer } from '../../restore/offer.ts';
import { startRestore, type RestoreHandle } from '../../restore/run.ts';
import type { Cli } from '../context.ts';
import { awaited } from './by-worker.ts';
import { OF_THE_WORKER, restoreHere, sayHere } from './carry-out.ts';

/** What a worker gave; or why this process is to do it after all. */
export type Followed<T> = { readonly result: T } | { readonly why: string };

export interface OfferedOr<Handle, T> {
  readonly host: string;
  readonly start: (client: Client) => Promise<Handle>;
  /** Waits for the end of what a worker has begun. */
  readonly follow: (handle: Handle) => Promise<Followed<T>>;
  /** Does it in this process. @param run one that was ended before it, though a worker may just have begun with it. */
  readonly here: (run?: string) => Promise<T>;
  /** What is thrown where nobody but a worker is to do it. */
  readonly refused?: (why: string | null) => BackupError;
}

/** @throws BackupError as the restore itself. */
export async function offeredOr<Handle extends WorkflowHandleWithFirstExecutionRunId, T>(
  cli: Cli,
  { host, start, follow, here, refused }: OfferedOr<Handle, T>,
): Promise<T> {
  const { env, signal } = cli;
  const offered = await offer({ site: await cli.site(), env, host, signal, start });
  if (!offered.taken) {
    if (refused) throw refused(offered.why);
    sayHere(cli, offered.why);
    return here(offered.run);
  }
  const { handle, client } = offered;
  try {
    const followed = await follow(handle);
    if ('result' in followed) return followed.result;
    sayHere(cli, followed.why);
  } finally {
    await client.connection.close();
  }
  return here();
}

/** Milliseconds that a worker which has begun at the last moment has to hear that its run is over. */
const HEARD = 30_000;

/** What had just been begun when its run was ended cleans up first: until then the same is tried again. */
export async function untilHeard<T>(
  { signal }: Pick<Cli, 'signal'>,
  attempt: () => Promise<T>,
  isBusy: (tried: T) => boolean,
): Promise<T> {
  const began = Date.now();
  for (;;) {
    const tried = await attempt();
    if (!isBusy(tried) || Date.now() - began > HEARD) return tried;
    await pause(500, undefined, { signal });
  }
}

/** The same of what fails as a whole. @returns what it failed with in the end, in place of throwing it. */
export function untilNotBusy<T>(cli: Pick<Cli, 'signal'>, attempt: () => Promise<T>): Promise<T | BackupError> {
  return untilHeard(
    cli,
    () =>
      attempt().catch((error: unknown) => {
        if (error instanceof BackupError) return error;
        throw error;
      }),
    (tried) => tried instanceof BackupError && tried.code === 'busy',
  );
}

/** One of a single backup. @throws BackupError as the restore itself. */
export async function restoreOffered(cli: Cli, input: RestoreInput): Promise<Restored> {
  const { config } = await cli.site();
  const asked = { ...input, seen: await seeTarget(await cli.site(), input.to) };
  return offeredOr(cli, {
    host: input.host,
    start: (client) => startRestore(client, config, asked, true),
    follow: (handle) => followed(cli, handle, asked),
    here: (run) => (run === undefined ? restoreHere(cli, input) : restoreAfter(cli, input, run)),
  });
}

async function followed(cli: Cli, handle: RestoreHandle, asked: RestoreInput): Promise<Followed<Restored>> {
  try {
    const done = await awaited(cli, handle, asked);
    return done.elsewhere === undefined ? { result: done } : { why: done.elsewhere };
  } catch (error) {
    if (!(error instanceof BackupError) || !OF_THE_WORKER.has(error.code)) throw error;
    return { why: `its worker cannot: ${error.message}` };
  }
}

async function restoreAfter(cli: Cli, input: RestoreInput, run: string): Promise<Restored> {
  const began = Date.now();
  const tried = await untilNotBusy(cli, () => restoreHere(cli, input));
  if (!(tried instanceof BackupError)) return tried;
  // It was done already.
  const isDone = tried.code === 'not-empty' && (await hasRestored(await cli.site(), run, input.to));
  if (isDone) return { milliseconds: Date.now() - began, from: null, passed: [] };
  throw tried;
}
