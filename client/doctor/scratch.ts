/** Where restore tests and drills restore to, and what their servers are kept from. Nothing is made here. */
import path from 'node:path';
import { backedUpPaths } from '../../activities/operations/restore-target.ts';
import {
  configuredScratch,
  ownScratch,
  scratchOf,
  whyNotOurs,
  type ScratchOf,
} from '../../activities/operations/scratch-place.ts';
import { offlineWay } from '../../activities/sources/private-server/offline.ts';
import { closedOnTheWay } from '../../activities/sources/private-server/user.ts';
import { serverUsers, type RunsAs } from '../../activities/sources/server-users.ts';
import type { Site } from '../../activities/site.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { openRepository } from '../../activities/storage/repository.ts';
import { freeSpace } from '../../activities/storage/space.ts';
import { isWithin } from '../../model/config/folders.ts';
import { coordinatorOf, hostOf } from '../../model/config/hosts.ts';
import { isDrilled, sourcesOfDrills } from '../../model/drill/whole.ts';
import { withoutExports } from '../../model/export.ts';
import type { Finding } from '../../model/finding.ts';
import { sizes } from '../../model/manifest.ts';
import { formatBytes } from '../../model/units.ts';
import { warning, type Seen } from './examine.ts';
import { existing, writable } from './places.ts';

const NONE = 'none on this host';

/** In the words of whoever reads it. */
interface Words {
  readonly subject: string;
  readonly setting: string;
  /** What does not happen, of a type: the server of its user is kept out. */
  readonly closed: (type: string) => string;
  /** What takes so much room, and what then cannot be. */
  readonly needs: (bytes: string) => string;
  readonly cannot: string;
  readonly who: string;
}

const WORDS: Readonly<Record<ScratchOf, Words>> = {
  'restore-tests': {
    subject: 'restore tests',
    setting: 'plans.restoreTest.scratch',
    closed: (type) => `no restore test proves a backup of ${type}`,
    needs: (bytes) => `the largest backup restored takes ${bytes}`,
    cannot: 'it cannot be tested',
    who: 'a test',
  },
  drills: {
    subject: 'drills',
    setting: 'plans.drill.scratch',
    closed: (type) => `no drill starts what it recovers of ${type}`,
    // Of other hosts this one's repository has nothing.
    needs: (bytes) => `all of it restored takes at least ${bytes}`,
    cannot: 'no drill can recover it',
    who: 'a drill',
  },
};

/** Whether what is restored has a place that is ours, has room, and lets its servers' users in. */
export async function examineScratch(site: Site, what: ScratchOf): Promise<Seen> {
  const sources = what === 'drills' ? drilledHere(site) : testedHere(site);
  if (sources.length === 0) return { facts: NONE };
  const words = WORDS[what];
  const folder = scratchOf(site, what);
  const there = await existing(folder);
  const [users, free, sizesOf] = [await usersOf(site, sources), await freeSpace(folder), await largest(site, sources)];
  // A test has one at a time, a drill all of them.
  const needed = what === 'drills' ? sizesOf.reduce((sum, bytes) => sum + bytes, 0) : Math.max(0, ...sizesOf);
  return {
    facts: `${folder}, ${formatBytes(free)} free, ${words.needs(formatBytes(needed))}`,
    findings: [
      ...(await notOurs(site, what)),
      ...(await writable(there, words.subject)),
      ...(await closed(path.join(there, 'data'), users, words)),
      ...tight({ folder, free, needed }, words),
      ...backedUp(site, folder, words),
    ],
  };
}

/** Whether servers on restored data are cut off from the network. */
export async function examineOffline(site: Site): Promise<Seen> {
  const users = await usersOf(site, testedHere(site));
  const findings: Finding[] = [];
  for (const { type, user } of users) {
    const found = await offlineWay(user);
    if (found.way === 'none') findings.push(networked(type, found.why));
  }
  return { facts: users.length === 0 ? NONE : 'cut off from every network', findings };
}

/** Sources that restore tests of this host restore: it needs an identity. */
function testedHere({ config, host }: Site): readonly string[] {
  const { host: other, sources = Object.keys(config.sources) } = config.plans.restoreTest;
  if (config.encryption.identity === undefined) return [];
  return sources.filter((source) => (other ?? hostOf(config, source)) === host);
}

/** Sources that drills recover here. */
function drilledHere({ config, host }: Site): readonly string[] {
  const isHere = (config.plans.drill.host ?? coordinatorOf(config)) === host;
  return isDrilled(config) && isHere ? sourcesOfDrills(config) : [];
}

function usersOf({ config }: Site, sources: readonly string[]): Promise<readonly RunsAs[]> {
  return serverUsers(sources.flatMap((source) => config.sources[source]?.type ?? []));
}

async function notOurs(site: Site, what: ScratchOf): Promise<readonly Finding[]> {
  if (configuredScratch(site, what) !== undefined) return [];
  const { subject, setting } = WORDS[what];
  for (const folder of [ownScratch(site.state), scratchOf(site, what)]) {
    const why = await whyNotOurs(folder);
    if (why === undefined) continue;
    const remedy = `See who put it there, and move it away; or name another folder in ${setting}.`;
    return [warning('scratch.not-ours', `nothing can be restored in ${folder}: ${why}`, remedy, subject)];
  }
  return [];
}

async function closed(data: string, users: readonly RunsAs[], words: Words): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const { type, user } of users) {
    const folder = await closedOnTheWay(user, data);
    if (folder === undefined) continue;
    const message = `${words.closed(type)}: the user of its private servers may not pass ${folder}`;
    const remedy = `Let others pass through: chmod o+x ${folder}; or name another folder in ${words.setting}.`;
    found.push(warning('scratch.closed', message, remedy, words.subject));
  }
  return found;
}

interface Room {
  readonly folder: string;
  /** Bytes. */
  readonly free: number;
  readonly needed: number;
}

function tight({ folder, free, needed }: Room, { subject, setting, needs, cannot }: Words): readonly Finding[] {
  if (free >= needed) return [];
  const message = `${folder} has ${formatBytes(free)} free, and ${needs(formatBytes(needed))}: ${cannot}`;
  return [warning('scratch.tight', message, `Name a folder with room in ${setting}.`, subject)];
}

function backedUp(site: Site, folder: string, { setting, who }: Words): readonly Finding[] {
  return Object.keys(site.config.sources)
    .filter((name) => backedUpPaths(site, name).some((one) => isWithin(folder, one.folder) && !one.leavesOut(folder)))
    .map((name) =>
      warning(
        'scratch.backed-up',
        `${folder} lies inside a path of the source "${name}": what ${who} restores meanwhile is backed up with it`,
        `Add "${folder}" to its "exclude", or name another folder in ${setting}.`,
        name,
      ),
    );
}

function networked(type: string, why: string): Finding {
  const message = `private servers of ${type} are not cut off from the network: what is in restored data could reach production (${why})`;
  const remedy =
    'Allow namespaces of users and networks: in units of your own as in infra/systemd; user.max_user_namespaces above 0; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0; for a container CAP_SYS_ADMIN, or a seccomp profile with unshare. Or keep that host away from production by its firewall.';
  return warning('servers.networked', message, remedy, 'private servers');
}

/** Bytes that the largest backup of each source in this host's repository takes when it is restored. */
async function largest(site: Site, sources: readonly string[]): Promise<readonly number[]> {
  const backups = await listBackups(await openRepository(site), { logs: false });
  const bySource = Map.groupBy(backups, ({ manifest }) => manifest.source);
  return sources.map((source) => {
    const plain = (bySource.get(source) ?? []).map(({ manifest }) => sizes(withoutExports(manifest)).plain);
    return Math.max(0, ...plain);
  });
}
