/**
 * The services of drills that run on this host. They live from one step to the next, so they are kept here and not in a step; a worker that dies takes them
 * with it, and whichever step needs one then starts it again.
 */
import { rm } from 'node:fs/promises';
import type { DrillChosen, DrillInput, DrillStarted, Probed } from '../../../model/drill/drill.ts';
import type { Service } from '../../sources/service.ts';
import type { Site } from '../../site.ts';
import { makePassable } from '../../storage/scratch.ts';
import type { Work } from '../../work.ts';
import { serveRestored } from '../probe/index.ts';
import { sourceConfig } from '../source-config.ts';
import { openChosen } from './open.ts';
import { openLeft, sandboxOf } from './sandbox.ts';
import { lookAtRecovered } from './probes.ts';

/** By site, run and source. */
const running = new Map<string, Service>();

export interface ServiceRequest {
  readonly site: Site;
  readonly input: DrillInput;
  readonly chosen: DrillChosen;
  readonly work: Work;
}

/** Starts what was recovered, where its type has a server. @throws BackupError as `serve` of its adapter. */
export async function startDrilled(request: ServiceRequest): Promise<DrillStarted> {
  const service = await serviceOf(request);
  return { command: service?.command ?? null, newest: (await service?.newest(request.work)) ?? [] };
}

/** Looks at what is up again. */
export async function probeDrilled(request: ServiceRequest): Promise<readonly Probed[]> {
  const { site, input, chosen, work } = request;
  const service = await serviceOf(request);
  const sandbox = sandboxOf(site, input);
  const scratch = sandbox.probes(chosen.source);
  await emptied(scratch);
  const restored = sandbox.restored(chosen.source);
  return lookAtRecovered({ site, source: chosen.source, service, restored, scratch, work });
}

/** Ends all services of a drill on this host. */
export function stopDrilled(site: Site, { runId }: Pick<DrillInput, 'runId'>): Promise<void> {
  return stop((key) => key.startsWith(keyOf(site, runId, '')));
}

/** Ends those of other drills: they take turns, so it is one that was ended from outside. */
export function stopOthers(site: Site, { runId }: Pick<DrillInput, 'runId'>): Promise<void> {
  return stop((key) => key.startsWith(`${site.config.site}/`) && !key.startsWith(keyOf(site, runId, '')));
}

function keyOf({ config }: Site, runId: string, source: string): string {
  return `${config.site}/${runId}/${source}`;
}

async function stop(which: (key: string) => boolean): Promise<void> {
  for (const [key, service] of running) {
    if (!which(key)) continue;
    await service.stop();
    running.delete(key);
  }
}

/** The one that runs; else it is started. Null where nothing is to run. */
async function serviceOf({ site, input, chosen, work }: ServiceRequest): Promise<Service | null> {
  const { source } = chosen;
  const key = keyOf(site, input.runId, source);
  const known = running.get(key);
  if (known?.running()) return known;
  const config = sourceConfig(site, source);
  const { chain } = await openChosen(await openLeft(site, input), chosen, work);
  const sandbox = sandboxOf(site, input);
  const scratch = sandbox.service(source);
  await emptied(scratch);
  // It lives longer than the step that starts it.
  const own = { ...work, signal: new AbortController().signal };
  const restored = sandbox.restored(source);
  const service = await serveRestored({ source, config, chain, restored, scratch, work: own });
  if (service) running.set(key, service);
  return service;
}

/** A new folder that others may pass. */
async function emptied(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await makePassable(folder);
}
