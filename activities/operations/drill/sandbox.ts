/**
 * The folder in which a drill recovers. It outlives a worker that dies, so that the drill goes on; nothing of it outlives the drill, and what one has
 * left that never came to its end is swept (sweep.ts).
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { DrillInput } from '../../../model/drill/drill.ts';
import { isSandboxOf, sandboxName } from '../../../model/drill/sandbox-name.ts';
import { loadSite } from '../../config/load.ts';
import type { Site } from '../../site.ts';
import { ifThere, translated } from '../../storage/fs-errors.ts';
import { makePassable } from '../../storage/scratch.ts';
import { writeMemoryFile } from '../../storage/memory-file.ts';
import { configuredScratch, makeScratch, ownScratch, scratchOf, whyNotOurs } from '../scratch-place.ts';
import { leftIn, type Gone } from './scenario.ts';

export interface Sandbox {
  readonly folder: string;
  /** The config that everything is recovered with. */
  readonly config: string;
  /** Where what a source is recovered to lies. */
  readonly restored: (source: string) => string;
  /** A folder of a source's service: sockets, logs. */
  readonly service: (source: string) => string;
  /** A folder of a source's probes. */
  readonly probes: (source: string) => string;
  /** What is known of a restore that was begun. */
  readonly begun: (source: string) => string;
}

export function sandboxOf(site: Pick<Site, 'config' | 'state'>, { runId }: Pick<DrillInput, 'runId'>): Sandbox {
  const folder = path.join(scratchOf(site, 'drills'), sandboxName(site.config.site, runId));
  return {
    folder,
    config: path.join(folder, 'recovery.yaml'),
    restored: (source) => path.join(folder, 'restored', source),
    service: (source) => path.join(folder, 'services', source),
    probes: (source) => path.join(folder, 'probes', source),
    begun: (source) => path.join(folder, 'begun', `${source}.json`),
  };
}

/** Makes it, with the config of what is left. Done again it changes nothing that is recovered already. */
export async function makeSandbox(site: Site, input: DrillInput): Promise<Sandbox> {
  const sandbox = sandboxOf(site, input);
  const gone = goneOf(sandbox);
  const config = await leftIn(input.scenario, site, gone, input.at ?? input.declared);
  await makeScratch(site, 'drills');
  await translated(sandbox.folder, 'making the sandbox of the drill', async () => {
    // Servers run as unprivileged users, who must pass; what is restored below stays closed to others.
    for (const open of ['', 'restored', 'services', 'probes']) await makePassable(path.join(sandbox.folder, open));
    for (const closed of [gone.repository, gone.state, path.join(sandbox.folder, 'begun')])
      await mkdir(closed, { recursive: true, mode: 0o700 });
  });
  // JSON is YAML too. It names where secrets are, and holds none.
  await writeMemoryFile(sandbox.config, config);
  return sandbox;
}

/** Where the moment of the disaster was not known before: from now on nothing that was stored later is looked at. */
export async function narrowSandbox(site: Site, input: DrillInput, disaster: string): Promise<void> {
  const sandbox = sandboxOf(site, input);
  await writeMemoryFile(sandbox.config, await leftIn(input.scenario, site, goneOf(sandbox), disaster));
}

function goneOf({ folder }: Sandbox): Gone {
  return { repository: path.join(folder, 'repository'), state: path.join(folder, 'state') };
}

/** The site as it is left: nothing but what the scenario leaves can be reached by it. */
export function openLeft(site: Site, input: DrillInput): Promise<Site> {
  return loadSite({ file: sandboxOf(site, input).config, host: input.host });
}

export async function removeSandbox(site: Site, input: Pick<DrillInput, 'runId'>): Promise<void> {
  const { folder } = sandboxOf(site, input);
  await translated(folder, 'removing the sandbox of the drill', () => rm(folder, { recursive: true, force: true }));
}

/** The sandboxes of all drills of the site that are there, as absolute paths. None where a folder of our own is not ours. */
export async function sandboxesOf(site: Pick<Site, 'config' | 'state'>): Promise<readonly string[]> {
  const named = configuredScratch(site, 'drills') !== undefined;
  if (!named && (await whyNotOurs(ownScratch(site.state))) !== undefined) return [];
  const scratch = scratchOf(site, 'drills');
  const names = (await ifThere(readdir(scratch))) ?? [];
  return names.filter((name) => isSandboxOf(site.config.site, name)).map((name) => path.join(scratch, name));
}
