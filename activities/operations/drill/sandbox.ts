/**
 * The folder in which a drill recovers. It outlives a worker that dies, so that the drill goes on; nothing of it outlives the drill, and what a
 * drill has left that never came to its end is removed once no drill can last so long.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { DrillInput } from '../../../model/drill/drill.ts';
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

/** What the names of sandboxes begin with; the site and the time of the drill follow. Short: sockets lie in them, whose paths have 107 bytes at most. */
const PREFIX = 'mosaic-drill-';

/** Milliseconds after which a drill has ended in any case. */
const LONGEST = 7 * 86_400_000;

export function sandboxOf(site: Pick<Site, 'config' | 'state'>, { runId }: Pick<DrillInput, 'runId'>): Sandbox {
  const folder = path.join(scratchOf(site, 'drills'), `${prefixOf(site)}${runId.replaceAll(/[^0-9TZ]/g, '')}`);
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

function prefixOf({ config }: Pick<Site, 'config'>): string {
  return `${PREFIX}${config.site}-`;
}

/** Removes what other drills of the site have left: they take turns, so it is of one that was ended from outside. */
export async function removeOtherSandboxes(site: Site, input: Pick<DrillInput, 'runId'>): Promise<void> {
  const own = sandboxOf(site, input).folder;
  await sweep(site, (folder) => Promise.resolve(folder !== own));
}

/** Removes the sandboxes of drills whose end nobody saw. @param now milliseconds since the epoch. */
export async function sweepSandboxes(site: Pick<Site, 'config' | 'state'>, now = Date.now()): Promise<void> {
  await sweep(site, async (folder) => {
    const found = await ifThere(stat(folder));
    return found !== undefined && now - found.mtimeMs > LONGEST;
  });
}

async function sweep(
  site: Pick<Site, 'config' | 'state'>,
  isLeft: (folder: string) => Promise<boolean>,
): Promise<void> {
  const named = configuredScratch(site, 'drills') !== undefined;
  // Nothing is removed where a folder of our own is not ours.
  if (!named && (await whyNotOurs(ownScratch(site.state))) !== undefined) return;
  const scratch = scratchOf(site, 'drills');
  await translated(scratch, 'looking for what drills left', async () => {
    for (const name of (await ifThere(readdir(scratch))) ?? []) {
      const folder = path.join(scratch, name);
      if (name.startsWith(prefixOf(site)) && (await isLeft(folder))) await rm(folder, { recursive: true, force: true });
    }
  });
}
