/** The restore itself, beside the data folder and checked there, while the old server still runs. */
import { chmod, mkdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import { describeTarget } from '../../../model/target.ts';
import { adapterFor } from '../../sources/index.ts';
import type { BackupReader } from '../../sources/types.ts';
import { withScratch } from '../../storage/scratch.ts';
import { syncTree } from '../../storage/sync-tree.ts';
import { whileReading } from '../being-read.ts';
import { openChain, restoreInto } from '../restore.ts';
import { giveOwner, isThere, moveTo, ownerOf } from './folders.ts';
import { writeJournal, type Journal } from './journal.ts';
import { contextOf, placeOf, type InPlacePlan } from './plan.ts';
import { serverRuns } from '../../sources/in-place/processes.ts';
import type { InPlaceRequest } from './request.ts';

/**
 * Restores, checks, and leaves it ready under a name of its own, with the journal begun.
 * @throws BackupError `verification-failed` where a check fails. Nothing was touched then.
 */
export async function makeReady(request: InPlaceRequest, plan: InPlacePlan): Promise<Journal> {
  const { site, source, work, replay } = request;
  const { data, manifest } = plan;
  const parent = path.dirname(data);
  const replayed = replay !== null;
  return withScratch(parent, `.${path.basename(data).slice(0, 30)}.restore-`, async (scratch) => {
    // A database server must pass through as an unprivileged user; what is restored below stays closed to others.
    await chmod(scratch, 0o711);
    const restored = path.join(scratch, 'data');
    await mkdir(restored, { mode: 0o700 });
    const backup = await whileReading(
      { ...request, backups: [...request.chain, ...(request.replay?.logs ?? [])] },
      () => restoreAndCheck(request, plan, { restored, scratch }),
    );
    const { adapter } = placeOf(request);
    const facts = await adapter.prepare(
      contextOf(request, { manifest, replayed }),
      { folder: restored, backup },
      plan.facts,
    );
    const owner = await ownerOf(data);
    await giveOwner(restored, owner, work.signal);
    await syncTree(restored, work);
    work.signal.throwIfAborted();
    const { began, names } = await ownSecond(data, work.signal);
    const journal: Journal = {
      began,
      source,
      run: request.run,
      reference: request.reference,
      target: replay ? describeTarget(replay.target) : null,
      data,
      ...names,
      owner,
      ran: plan.answers || (await serverRuns(data, adapter.processes)),
      facts,
      manifest,
      replayed,
      acceptUnsaved: request.acceptUnsaved,
      paused: null,
      step: 'pausing',
      since: null,
      back: null,
    };
    await writeJournal(site, journal);
    await moveTo(restored, journal.ready);
    return journal;
  });
}

/** A second that no earlier restore has: what the data folder is called meanwhile, and the run of its logs, are named by it. */
async function ownSecond(data: string, signal: AbortSignal) {
  for (;;) {
    const began = new Date().toISOString();
    const mark = began.replaceAll(/[-:]|\.\d+/g, '');
    const names = {
      ready: `${data}.restored-${mark}`,
      before: `${data}.before-${mark}`,
      failed: `${data}.failed-${mark}`,
    };
    const taken = await Promise.all(Object.values(names).map(isThere));
    if (!taken.includes(true)) return { began, names };
    await pause(100, undefined, { signal });
  }
}

async function restoreAndCheck(
  request: InPlaceRequest,
  { data, manifest, facts }: InPlacePlan,
  { restored, scratch }: { readonly restored: string; readonly scratch: string },
): Promise<BackupReader> {
  const { site, store, chain, work, source, tell } = request;
  const replay = request.replay ?? undefined;
  const readers = await openChain({ site, store, chain, work });
  tell(`restoring beside ${data}, while the server runs on`);
  await restoreInto({ site, store, chain, to: data, paths: [], replay, work, inPlace: facts }, readers, restored);
  tell('checking what was restored');
  const workspace = path.join(scratch, 'check');
  await mkdir(workspace);
  // A service has a umask of 0077.
  await chmod(workspace, 0o711);
  const checks = await adapterFor(manifest.type).check({ source, work, chain: readers, restored, scratch: workspace });
  requireGood(checks, request);
  const backup = readers.at(-1);
  if (!backup) throw new TypeError('a restore without a backup');
  return backup;
}

function requireGood(checks: readonly Check[], request: InPlaceRequest): void {
  const { checksAfterReplay, checksOnlyTold } = placeOf(request).adapter;
  const counting = request.replay ? checks.filter(({ name }) => checksAfterReplay.includes(name)) : checks;
  const bad = counting.filter(({ compared, ok }) => compared && !ok);
  for (const { name, detail } of bad) if (checksOnlyTold.includes(name)) request.tell(`${name}: ${detail}`);
  const failed = bad.filter(({ name }) => !checksOnlyTold.includes(name));
  if (failed.length === 0) return;
  const said = failed.map(({ name, detail }) => `${name}: ${detail}`);
  throw new BackupError(
    'verification-failed',
    `What was restored is not sound: ${said.join('; ')}. Nothing was changed.`,
    {
      remedy: 'Restore another backup, or this one from another copy; or restore to a folder (--to) and look at it.',
      facts: { checks: said },
    },
  );
}
