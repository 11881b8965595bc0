/**
 * The services of drills that run on this host. They live from one step to the next, so they are kept here and not in a step; a worker that dies takes them
 * with it, and whichever step needs one then starts it again.
 */
import { rm } from 'node:fs/promises';
import type { DrillChosen, DrillInput, DrillStarted, Probed } from '../../../model/drill/drill.ts';
import { inTurn } from '../../notify/turn.ts';
import { isolationCheck } from '../../sources/private-server/enclosure.ts';
import type { Service } from '../../sources/service.ts';
import type { Site } from '../../site.ts';
import { makePassable } from '../../storage/scratch.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { Work } from '../../work.ts';
import { isServed, serveRestored } from '../probe/index.ts';
import { inWhole, openSandboxFor, type OpenedSandbox } from '../sandbox.ts';
import { sourceConfig } from '../source-config.ts';
import { openChosen } from './open.ts';
import { openLeft, sandboxOf } from './sandbox.ts';
import { lookAtRecovered } from './probes.ts';

interface Drilled {
  readonly service: Service;
  /** Of the sandbox that it works in. */
  readonly folder: string;
  /** In what it runs: a container is open for as long as the service is. */
  readonly place: OpenedSandbox;
}

/** By site, run and source. */
const running = new Map<string, Drilled>();

interface Starting {
  readonly key: string;
  /** Of the sandbox that it is to work in. */
  readonly folder: string;
  readonly abort: (reason?: unknown) => void;
}

/** Whatever is being started, or waits for its turn: it ends with its step, and with whoever ends the service. */
const starting = new Set<Starting>();

export interface ServiceRequest {
  readonly site: Site;
  readonly input: DrillInput;
  readonly chosen: DrillChosen;
  readonly work: Work;
}

/** Starts what was recovered, where its type has a server. @throws BackupError as `serve` of its adapter, and `openSandboxFor`. */
export async function startDrilled(request: ServiceRequest): Promise<DrillStarted> {
  const drilled = await drilledOf(request);
  if (!drilled) return { command: null, newest: [] };
  const { service, place } = drilled;
  const newest = await inWhole(place.sandbox, request.work, () => service.newest(request.work));
  // A container is cut off whatever this machine allows.
  const isolation = place.sandbox.image === null ? await isolationCheck() : null;
  return { command: service.command, newest, ...(isolation && { isolation: isolation.detail }) };
}

/** Looks at what is up again. @throws BackupError where a container did not last: then what was seen in it says nothing. */
export async function probeDrilled(request: ServiceRequest): Promise<readonly Probed[]> {
  const { site, input, chosen, work } = request;
  const drilled = await drilledOf(request);
  const sandbox = sandboxOf(site, input);
  const scratch = sandbox.probes(chosen.source);
  await emptied(scratch);
  const restored = sandbox.restored(chosen.source);
  const service = drilled?.service ?? null;
  const probed = await lookAtRecovered({ site, source: chosen.source, service, restored, scratch, work });
  const red = probed.filter(({ ok }) => !ok);
  if (red.length > 0) await drilled?.place.sandbox.requireWhole(red.map(({ detail }) => detail).join('\n'));
  return probed;
}

/** Ends all services of a drill on this host. */
export function stopDrilled(site: Site, { runId }: Pick<DrillInput, 'runId'>): Promise<void> {
  return stop((key) => key.startsWith(keyOf(site, runId, '')));
}

/** Ends all that work in a sandbox. */
export function stopIn(sandbox: string): Promise<void> {
  return stop((_, { folder }) => folder === sandbox);
}

/** Ends those of other drills: they take turns, so it is one that was ended from outside. */
export function stopOthers(site: Site, { runId }: Pick<DrillInput, 'runId'>): Promise<void> {
  return stop((key) => key.startsWith(`${site.config.site}/`) && !key.startsWith(keyOf(site, runId, '')));
}

function keyOf({ config }: Site, runId: string, source: string): string {
  return `${config.site}/${runId}/${source}`;
}

async function stop(which: (key: string, of: Pick<Drilled, 'folder'>) => boolean): Promise<void> {
  const coming = [...starting].filter((one) => which(one.key, one));
  for (const one of coming) one.abort();
  const up = [...running].filter(([key, drilled]) => which(key, drilled)).map(([key]) => key);
  for (const key of new Set([...up, ...coming.map((one) => one.key)])) await inTurn(turnOf(key), () => endDrilled(key));
}

function turnOf(key: string): string {
  return `drilled/${key}`;
}

async function endDrilled(key: string): Promise<void> {
  const drilled = running.get(key);
  if (!drilled) return;
  try {
    await drilled.service.stop();
  } finally {
    await drilled.place.close();
  }
  running.delete(key);
}

/**
 * The one that runs; else it is started. Null where nothing is to run. An attempt of a worker that was frozen may be at it still when the next one comes:
 * that waits for it, and takes what it started.
 */
async function drilledOf(request: ServiceRequest): Promise<Drilled | null> {
  const { site, input, chosen, work } = request;
  const key = keyOf(site, input.runId, chosen.source);
  const { folder } = sandboxOf(site, input);
  const controller = new AbortController();
  const own: Starting = { key, folder, abort: (reason) => controller.abort(reason) };
  const abort = (): void => own.abort(work.signal.reason);
  if (work.signal.aborted) abort();
  work.signal.addEventListener('abort', abort, { once: true });
  starting.add(own);
  try {
    return await inTurn(turnOf(key), async () => {
      const known = running.get(key);
      if (known?.service.running()) return known;
      await endDrilled(key);
      stopIfCancelled(controller.signal);
      const drilled = await start(request, controller.signal);
      if (drilled) running.set(key, drilled);
      return drilled;
    });
  } finally {
    starting.delete(own);
    // Once it is up it lives longer than the step that started it.
    work.signal.removeEventListener('abort', abort);
  }
}

async function start({ site, input, chosen, work }: ServiceRequest, signal: AbortSignal): Promise<Drilled | null> {
  const { source } = chosen;
  const config = sourceConfig(site, source);
  // Its backup need not be looked for again.
  if (!isServed(config)) return null;
  const own = { ...work, signal };
  const { chain } = await openChosen(await openLeft(site, input), chosen, own);
  const manifest = chain.at(-1)?.manifest;
  if (!manifest) throw new TypeError('a drill of no backup');
  const sandbox = sandboxOf(site, input);
  const [scratch, restored] = [sandbox.service(source), sandbox.restored(source)];
  await emptied(scratch);
  const place = await openSandboxFor({ site, manifest, folders: [scratch, restored], work: own });
  let service: Service | null = null;
  try {
    const request = { source, config, chain, restored, scratch, sandbox: place.sandbox, work: own };
    service = await inWhole(place.sandbox, own, () => serveRestored(request));
  } finally {
    if (!service) await place.close();
  }
  return service && { service, folder: sandbox.folder, place };
}

/** A new folder that others may pass. */
async function emptied(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await makePassable(folder);
}
