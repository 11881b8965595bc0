/** In what a backup is restored and looked at: chosen once for a restore, by the config, the backup and this machine. */
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import { findImage, type LocalImage } from '../containers/sandbox/local-image.ts';
import { openSandbox } from '../containers/sandbox/open.ts';
import { sweepSandboxes } from '../containers/sandbox/sweep.ts';
import type { Site } from '../site.ts';
import { adapterFor } from '../sources/index.ts';
import { PROCESSES } from '../sources/private-server/processes.ts';
import type { Sandbox } from '../sources/private-server/sandbox.ts';
import { messageOf } from '../streams/errno.ts';
import type { Work } from '../work.ts';

export interface SandboxRequest {
  readonly site: Pick<Site, 'config' | 'host'>;
  /** The newest member of the chain. */
  readonly manifest: Manifest;
  /** In which is worked on it; a container sees no other folders. The first is ours, to be written to. */
  readonly folders: readonly [string, ...string[]];
  readonly work: Work;
}

const engine = z.looseObject({ image: z.string().nullish() });

export interface OpenedSandbox {
  readonly sandbox: Sandbox;
  /** Ends all that runs in it. Idempotent. */
  close(): Promise<void>;
}

/**
 * Chooses one and opens it. It ends with this process, however that dies.
 * @throws BackupError `missing-program` where neither this machine's own programs nor a container will do, with what is lacking.
 */
export async function openSandboxFor(request: SandboxRequest): Promise<OpenedSandbox> {
  const image = await imageFor(request);
  if (image === null) return { sandbox: PROCESSES, close: async () => undefined };
  const { site, manifest, folders, work } = request;
  const { sandboxMemory: memory, sandboxCpus: cpus, sandboxSocket: socket } = site.config.plans.restoreTest;
  const owner = ownerOf(site);
  await sweepSandboxes(owner, socket, work.log);
  const user = await adapterFor(manifest.type).sandboxing?.user();
  return openSandbox({ image, folders, user, owner, memory, cpus, socket });
}

/** The same for as long as it is used. */
export async function withSandbox<Result>(
  request: SandboxRequest,
  use: (sandbox: Sandbox) => Promise<Result>,
): Promise<Result> {
  const opened = await openSandboxFor(request);
  try {
    return await inWhole(opened.sandbox, request.work, () => use(opened.sandbox));
  } finally {
    await opened.close();
  }
}

/** What fails in a container that did not last is no failure of what was restored. @throws BackupError as `requireWhole` then. */
export async function inWhole<Result>(
  sandbox: Sandbox,
  { signal }: Pick<Work, 'signal'>,
  use: () => Promise<Result>,
): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    if (!signal.aborted) await sandbox.requireWhole(saidBy(error));
    throw error;
  }
}

function saidBy(error: unknown): string {
  const stderr = error instanceof BackupError ? error.facts['stderr'] : undefined;
  return `${messageOf(error)}\n${typeof stderr === 'string' ? stderr : ''}`;
}

/** Null where processes of this machine will do, or have to. */
async function imageFor({ site, manifest, work }: SandboxRequest): Promise<LocalImage | null> {
  const { sandbox: wanted, sandboxSocket: socket, sandboxImages } = site.config.plans.restoreTest;
  const { sandboxing } = adapterFor(manifest.type);
  const image = sandboxImages[manifest.source] ?? engine.parse(manifest.engine).image ?? null;
  if (wanted === 'process' || sandboxing === undefined || image === null) return null;
  const unfit = await sandboxing.unfit(manifest);
  if (wanted === 'auto' && unfit === null) return null;
  try {
    return await findImage(image, socket);
  } catch (error) {
    if (!(error instanceof BackupError) || wanted === 'container' || unfit === null) throw error;
    if (unfit.usable) {
      work.log.warn({ why: error.message, remedy: error.remedy ?? null }, `without a container, though ${unfit.why}`);
      return null;
    }
    throw new BackupError(error.code, `${unfit.why}, and ${error.message}`, {
      remedy: `${error.remedy ?? ''} Or for this machine itself: ${unfit.remedy}`,
      facts: error.facts,
      cause: error,
    });
  }
}

/** Removes what killed processes of this host have left of sandboxes. */
export async function sweepKilledSandboxes(site: SandboxRequest['site'], log: Work['log']): Promise<void> {
  const { sandbox, sandboxSocket } = site.config.plans.restoreTest;
  if (sandbox !== 'process') await sweepSandboxes(ownerOf(site), sandboxSocket, log);
}

function ownerOf({ config, host }: SandboxRequest['site']): string {
  return `${config.site}/${host}`;
}
