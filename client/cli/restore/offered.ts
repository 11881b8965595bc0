/** A restore that is offered to the worker of this host, and done by this process where that does not take it. */
import { setTimeout as pause } from 'node:timers/promises';
import { hasRestored } from '../../../activities/operations/restore-run.ts';
import { seeTarget } from '../../../activities/operations/restore-seen.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Restored, RestoreInput } from '../../../model/restore-run.ts';
import { offer } from '../../restore/offer.ts';
import { startRestore } from '../../restore/run.ts';
import type { Cli } from '../context.ts';
import { watched } from './by-worker.ts';
import { OF_THE_WORKER, restoreHere, sayHere } from './carry-out.ts';

/** @throws BackupError as the restore itself. */
export async function restoreOffered(cli: Cli, input: RestoreInput): Promise<Restored> {
  const asked = { ...input, seen: await seeTarget(input.to) };
  const site = await cli.site();
  const { env, signal } = cli;
  const offered = await offer({
    site,
    env,
    host: input.host,
    signal,
    start: (client) => startRestore(client, site.config, asked, true),
  });
  if (!offered.taken) {
    sayHere(cli, offered.why);
    return offered.run === undefined ? restoreHere(cli, input) : restoreAfter(cli, input, offered.run);
  }
  try {
    const done = await watched(cli, offered.handle, asked);
    if (done.elsewhere === undefined) return done;
    sayHere(cli, done.elsewhere);
  } catch (error) {
    if (!(error instanceof BackupError) || !OF_THE_WORKER.has(error.code)) throw error;
    sayHere(cli, `its worker cannot: ${error.message}`);
  } finally {
    await offered.client.connection.close();
  }
  return restoreHere(cli, input);
}

/** Milliseconds that a worker which has begun at the last moment has to hear that its run is over. */
const HEARD = 30_000;

/** What had just been begun when its run was ended cleans up first, or was done already. */
async function restoreAfter(cli: Cli, input: RestoreInput, run: string): Promise<Restored> {
  const began = Date.now();
  for (;;) {
    try {
      return await restoreHere(cli, input);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      const isDone = error.code === 'not-empty' && (await hasRestored(await cli.site(), run, input.to));
      if (isDone) return { milliseconds: Date.now() - began, from: null, passed: [] };
      if (error.code !== 'busy' || Date.now() - began > HEARD) throw error;
      await pause(500, undefined, { signal: cli.signal });
    }
  }
}
