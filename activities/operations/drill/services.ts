/**
 * The services of drills that run on this host. They live from one step to the next, so they are kept here and not in a step; a worker that dies takes them
 * with it, and whichever step needs one then starts it again.
 */
import { mkdir, rm } from 'node:fs/promises';
import type { DrillChosen, DrillInput, DrillStarted, Probed } from '../../../model/drill/drill.ts';
import { adapterFor } from '../../sources/index.ts';
import type { Service } from '../../sources/service.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';
import { sourceConfig } from '../source-config.ts';
import { openChosen } from './open.ts';
import { openLeft, sandboxOf } from './sandbox.ts';
import { probesOf } from './probes.ts';

/** By run and source. */
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
  const restored = sandboxOf(site, input).restored(chosen.source);
  return probesOf({ site, source: chosen.source, service: service ?? null, restored, work });
}

/** Ends all services of a drill on this host. */
export async function stopDrilled({ runId }: Pick<DrillInput, 'runId'>): Promise<void> {
  for (const [key, service] of running) {
    if (!key.startsWith(`${runId}/`)) continue;
    await service.stop();
    running.delete(key);
  }
}

/** The one that runs; else it is started. Undefined where the type has none. */
async function serviceOf({ site, input, chosen, work }: ServiceRequest): Promise<Service | undefined> {
  const { source } = chosen;
  const key = `${input.runId}/${source}`;
  const known = running.get(key);
  if (known?.running()) return known;
  const config = sourceConfig(site, source);
  const adapter = adapterFor(config.type);
  if (!adapter.serve) return undefined;
  const { chain } = await openChosen(await openLeft(site, input), chosen, work);
  const sandbox = sandboxOf(site, input);
  const scratch = sandbox.service(source);
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o711 });
  // It lives longer than the step that starts it.
  const own = { ...work, signal: new AbortController().signal };
  const service = await adapter.serve({
    source,
    config,
    chain,
    restored: sandbox.restored(source),
    scratch,
    work: own,
  });
  running.set(key, service);
  return service;
}
