/** Restores: into a scratch folder first, promoted to the target only when every byte and program was right. */
import { chmod, mkdir, realpath, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { Check } from '../../model/evidence.ts';
import { withoutExports } from '../../model/export.ts';
import { sizes } from '../../model/manifest.ts';
import type { RestoreTarget } from '../../model/target.ts';
import { adapterFor } from '../sources/index.ts';
import type { Sandbox } from '../sources/private-server/sandbox.ts';
import type { BackupReader, CheckContext, InPlaceFacts } from '../sources/types.ts';
import type { Site } from '../site.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import { makeOpenPath, syncFolder } from '../storage/durable.ts';
import { errnoOf, translated } from '../storage/fs-errors.ts';
import { makePassable, sweepScratch, withScratch } from '../storage/scratch.ts';
import { requireSpace } from '../storage/space.ts';
import type { Store } from '../storage/types.ts';
import { syncTree } from '../storage/sync-tree.ts';
import type { Work } from '../work.ts';
import { whileReading } from './being-read.ts';
import { openBackup } from './reader.ts';
import { INSIDE, isMountPoint, prefixOf, promote, requireAlone, requireEmpty, sweepInside } from './restore-folder.ts';
import { requireFreeTarget } from './restore-target.ts';
import { withSandbox } from './sandbox.ts';
import { objectsToThaw } from './thaw/objects.ts';
import { requireThawed } from './thaw/require.ts';

export interface RestoreRequest {
  readonly site: Site;
  /** Where the backups are read from: the repository or a destination. */
  readonly store: Store;
  /** Full first, then each incremental in order. */
  readonly chain: readonly Catalogued[];
  /** An absolute path that does not exist yet or is an empty folder. */
  readonly to: string;
  /** Only these paths; everything when empty. */
  readonly paths: readonly string[];
  /** Logs to replay on it, in the order of their positions, and how far. */
  readonly replay?: { readonly logs: readonly Catalogued[]; readonly target: RestoreTarget } | undefined;
  /** Called with the folder that is about to get the target's name: all of it is right, and on disk. */
  readonly beforePromotion?: (scratch: string) => Promise<void>;
  readonly work: Work;
}

/**
 * Restores a backup to a folder.
 * @throws BackupError `refused`, `not-empty`, `frozen`, `no-space`, `not-authentic`, `verification-failed`, `missing-identity`, `not-found`.
 */
export async function restoreBackup(asked: RestoreRequest): Promise<void> {
  if (!path.isAbsolute(asked.to)) throw new BackupError('usage', `the target ${asked.to} is not an absolute path`);
  await requireFreeTarget(asked.site, newestOf(asked.chain).manifest.source, asked.to);
  await sweepInside(asked.to);
  const existed = await requireEmpty(asked.to);
  // A link to an empty folder stands for that folder: the rename at the end would not follow it.
  const request = existed ? { ...asked, to: await realpath(asked.to) } : asked;
  const { to, work } = request;
  await requireThawed(request.store, request);
  // The target's own file system: it may be mounted there.
  // Of single paths what they take is known when the inventory is read.
  const whole = request.paths.length === 0 ? plainBytes([...request.chain, ...(request.replay?.logs ?? [])]) : 0;
  await requireSpace({ path: to, needed: whole });
  const made = await translated(to, 'making the folder of the target', () => makeOpenPath(path.dirname(to)));
  const backups = [...request.chain, ...(request.replay?.logs ?? [])];
  try {
    await whileReading({ site: request.site, backups, work }, () => restoreBeside(request, existed));
  } catch (error) {
    await removeEmpty(made);
    throw error;
  }
}

/** What was made for nothing; somebody else may be at home there by now. @param folders the innermost first. */
async function removeEmpty(folders: readonly string[]): Promise<void> {
  try {
    for (const folder of folders) await rmdir(folder);
  } catch (error) {
    // What the restore failed with says more than that an empty folder stays.
    if (errnoOf(error) === undefined) throw error;
  }
}

async function restoreBeside(request: RestoreRequest, existed: boolean): Promise<void> {
  const { to, work } = request;
  const readers = await openChain(request);
  // Beside the target, so that promotion is one rename; inside it when the target is a mount point.
  const inside = existed && (await isMountPoint(to));
  const prefix = inside ? INSIDE : prefixOf(path.basename(to));
  await withScratch(inside ? to : path.dirname(to), prefix, async (scratch) => {
    await requireAlone(scratch, prefix, to);
    await restoreInto(request, readers, scratch);
    // All of it on disk before it gets its name: what stands under the target survives a power cut.
    await syncTree(scratch, work);
    work.signal.throwIfAborted();
    await request.beforePromotion?.(scratch);
    await promote(scratch, to, inside);
    await syncFolder(inside ? to : path.dirname(to));
  });
}

/** Scratch of proofs. */
export const PROOF = 'mosaic-proof-';

/** Removes what proofs whose process was killed have left: plaintext of a whole backup. */
export function sweepProofs(within: string): Promise<void> {
  return sweepScratch(within, PROOF);
}

export interface ProveRequest extends Omit<RestoreRequest, 'to' | 'paths'> {
  /** A folder in which scratch folders may be made; nothing stays in it. */
  readonly within: string;
  /** Further checks on what was restored, after the source type's own: comparison with a source that is at hand. */
  readonly also?: (place: ProofPlace, chain: readonly BackupReader[]) => Promise<readonly Check[]>;
  /** Called when all of it is restored, before it is checked. */
  readonly onRestored?: (restored: string) => void | Promise<void>;
  /** As in `CheckContext`. */
  readonly earlier?: CheckContext['earlier'];
}

/** Restores a backup into scratch and lets its source type check it. Removes everything whatever happens. */
export async function proveBackup(request: ProveRequest): Promise<readonly Check[]> {
  const { chain, replay } = request;
  await requireThawed(request.store, { chain, replay, objects: objectsToThaw(chain, replay?.logs ?? []) });
  await makePassable(request.within);
  await requireSpace({ path: request.within, needed: plainBytes(request.chain) });
  const backups = [...chain, ...(replay?.logs ?? [])];
  return whileReading({ site: request.site, backups, work: request.work }, () => proveInScratch(request));
}

/**
 * Restores a backup into scratch and replays logs on it, which fails where they do not lead to their target. Removes everything
 * whatever happens.
 */
export async function rehearseRecovery(
  request: Omit<ProveRequest, 'also' | 'onRestored' | 'earlier'> & Required<Pick<ProveRequest, 'replay'>>,
): Promise<void> {
  const { site, chain, replay, within, work } = request;
  const backups = [...chain, ...(replay?.logs ?? [])];
  await requireThawed(request.store, { chain, replay });
  await requireSpace({ path: within, needed: plainBytes(backups) });
  await whileReading({ site, backups, work }, async () => {
    const readers = await openChain(request);
    await inScratch(request, readers, async ({ restored, sandbox }) => {
      await restoreInto({ ...request, to: restored, paths: [], sandbox }, readers, restored);
    });
  });
}

async function proveInScratch(request: ProveRequest): Promise<readonly Check[]> {
  const readers = await openChain(request);
  return inScratch(request, readers, async (place) => {
    const { restored, sandbox } = place;
    await restoreInto({ ...request, to: restored, paths: [], sandbox }, readers, restored);
    await request.onRestored?.(restored);
    const checks = await checkRestored(request, readers, place);
    const failures = checks.filter(({ compared, ok }) => compared && !ok);
    if (failures.length > 0) await sandbox.requireWhole(failures.map(({ detail }) => detail).join('\n'));
    return checks;
  });
}

/** Where a backup is proven. */
export interface ProofPlace {
  /** An empty folder, for what is restored. */
  readonly restored: string;
  /** The folder around it, in which more may be made. */
  readonly scratch: string;
  readonly sandbox: Sandbox;
}

async function inScratch<Result>(
  { site, within, work }: Pick<ProveRequest, 'site' | 'within' | 'work'>,
  chain: readonly BackupReader[],
  use: (place: ProofPlace) => Promise<Result>,
): Promise<Result> {
  const { manifest } = newestOf(chain);
  return withScratch(within, PROOF, async (scratch) => {
    // A database server must pass through as an unprivileged user; what is restored below stays closed to others.
    await chmod(scratch, 0o711);
    const restored = path.join(scratch, 'restored');
    await mkdir(restored, { mode: 0o700 });
    return withSandbox({ site, manifest, folders: [scratch], work }, (sandbox) => use({ restored, scratch, sandbox }));
  });
}

async function checkRestored(
  request: ProveRequest,
  chain: readonly BackupReader[],
  place: ProofPlace,
): Promise<readonly Check[]> {
  const { restored, scratch, sandbox } = place;
  const newest = newestOf(chain);
  const workspace = path.join(scratch, 'check');
  await mkdir(workspace);
  // A service has a umask of 0077.
  await chmod(workspace, 0o711);
  const adapter = adapterFor(newest.manifest.type);
  const context = {
    source: newest.manifest.source,
    work: request.work,
    chain,
    restored,
    scratch: workspace,
    expendable: true,
    sandbox,
    // What logs were replayed on is not the backup as it is: a record of that would condemn it later.
    ...(request.earlier && !request.replay && { earlier: request.earlier }),
  };
  return [
    ...(await adapter.check(context)),
    ...((await adapter.checkExports?.(context)) ?? []),
    ...((await request.also?.(place, chain)) ?? []),
  ];
}

/** Lets the source type rebuild a chain, and replay logs on it, below a scratch folder. */
export async function restoreInto(
  request: RestoreRequest & { readonly inPlace?: InPlaceFacts; readonly sandbox?: Sandbox },
  chain: readonly BackupReader[],
  scratch: string,
): Promise<void> {
  const newest = newestOf(chain);
  const adapter = adapterFor(newest.manifest.type);
  const { replay, inPlace, sandbox } = request;
  await adapter.restore({
    source: newest.manifest.source,
    work: request.work,
    chain,
    scratch,
    target: request.to,
    paths: request.paths,
    ...(inPlace && { inPlace }),
    ...(sandbox && { sandbox }),
    ...(replay && {
      replay: { logs: await openChain({ ...request, chain: replay.logs }), target: replay.target },
    }),
  });
}

/** Opens each member for reading. */
export async function openChain({
  site,
  store,
  chain,
  work,
}: Pick<RestoreRequest, 'site' | 'store' | 'chain' | 'work'>): Promise<readonly BackupReader[]> {
  const readers: BackupReader[] = [];
  for (const backup of chain) readers.push(await openBackup({ site, store, backup, work }));
  return readers;
}

function newestOf<Member extends BackupReader | Catalogued>(chain: readonly Member[]): Member {
  const newest = chain.at(-1);
  if (newest) return newest;
  throw new BackupError('usage', 'nothing to restore: the chain is empty');
}

/** Upper bound of what a restore writes: chains replay every member; exports are not fetched. */
export function plainBytes(chain: readonly Catalogued[]): number {
  return chain.reduce((sum, { manifest }) => sum + sizes(withoutExports(manifest)).plain, 0);
}
