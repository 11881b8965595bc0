/** Where restore tests restore to, and what their servers are kept from. Nothing is made here. */
import path from 'node:path';
import { backedUpPaths } from '../../activities/operations/restore-target.ts';
import { configuredScratch, ownScratch, scratchOf, whyNotOurs } from '../../activities/operations/scratch-place.ts';
import { offlineWay } from '../../activities/sources/private-server/offline.ts';
import { closedOnTheWay } from '../../activities/sources/private-server/user.ts';
import { serverUsers, type RunsAs } from '../../activities/sources/server-users.ts';
import type { Site } from '../../activities/site.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { openRepository } from '../../activities/storage/repository.ts';
import { freeSpace } from '../../activities/storage/space.ts';
import { isWithin } from '../../model/config/folders.ts';
import { hostOf } from '../../model/config/hosts.ts';
import { withoutExports } from '../../model/export.ts';
import type { Finding } from '../../model/finding.ts';
import { sizes } from '../../model/manifest.ts';
import { formatBytes } from '../../model/units.ts';
import { warning, type Seen } from './examine.ts';
import { existing, writable } from './places.ts';

const SUBJECT = 'restore tests';
const NO_TESTS = 'none on this host';
/** Whether what is restored has a place that is ours, has room, and lets its servers' users in. */
export async function examineScratch(site: Site): Promise<Seen> {
  const tested = testedHere(site);
  if (tested.length === 0) return { facts: NO_TESTS };
  const folder = scratchOf(site, 'restore-tests');
  const there = await existing(folder);
  const [users, free, needed] = [await usersOf(site, tested), await freeSpace(folder), await largestOf(site, tested)];
  return {
    facts: `${folder}, ${formatBytes(free)} free, the largest backup restored takes ${formatBytes(needed)}`,
    findings: [
      ...(await notOurs(site)),
      ...(await writable(there, SUBJECT)),
      ...(await closed(path.join(there, 'data'), users)),
      ...tight(folder, free, needed),
      ...backedUp(site, folder),
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
  return { facts: users.length === 0 ? NO_TESTS : 'cut off from every network', findings };
}

/** Sources that restore tests of this host restore: it needs an identity. */
function testedHere({ config, host }: Site): readonly string[] {
  const { host: other, sources = Object.keys(config.sources) } = config.plans.restoreTest;
  if (config.encryption.identity === undefined) return [];
  return sources.filter((source) => (other ?? hostOf(config, source)) === host);
}

function usersOf({ config }: Site, sources: readonly string[]): Promise<readonly RunsAs[]> {
  return serverUsers(sources.flatMap((source) => config.sources[source]?.type ?? []));
}

async function notOurs(site: Site): Promise<readonly Finding[]> {
  if (configuredScratch(site, 'restore-tests') !== undefined) return [];
  const own = ownScratch(site.state);
  for (const folder of [own, scratchOf(site, 'restore-tests')]) {
    const why = await whyNotOurs(folder);
    if (why === undefined) continue;
    const remedy = 'See who put it there, and move it away; or name another folder in plans.restoreTest.scratch.';
    return [warning('scratch.not-ours', `nothing can be restored in ${folder}: ${why}`, remedy, SUBJECT)];
  }
  return [];
}

async function closed(data: string, users: readonly RunsAs[]): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const { type, user } of users) {
    const folder = await closedOnTheWay(user, data);
    if (folder === undefined) continue;
    const message = `no restore test proves a backup of ${type}: the user of its private servers may not pass ${folder}`;
    const remedy = `Let others pass through: chmod o+x ${folder}; or name another folder in plans.restoreTest.scratch.`;
    found.push(warning('scratch.closed', message, remedy, SUBJECT));
  }
  return found;
}

function tight(folder: string, free: number, needed: number): readonly Finding[] {
  if (free >= needed) return [];
  const message = `${folder} has ${formatBytes(free)} free, and the largest backup takes ${formatBytes(needed)} restored: it cannot be tested`;
  return [warning('scratch.tight', message, 'Name a folder with room in plans.restoreTest.scratch.', SUBJECT)];
}

function backedUp(site: Site, folder: string): readonly Finding[] {
  return Object.keys(site.config.sources)
    .filter((name) => backedUpPaths(site, name).some((one) => isWithin(folder, one.folder) && !one.leavesOut(folder)))
    .map((name) =>
      warning(
        'scratch.backed-up',
        `${folder} lies inside a path of the source "${name}": what a test restores meanwhile is backed up with it`,
        `Add "${folder}" to its "exclude", or name another folder in plans.restoreTest.scratch.`,
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

/** Bytes that the largest backup of this host's repository takes when it is restored. */
async function largestOf(site: Site, sources: readonly string[]): Promise<number> {
  const backups = await listBackups(await openRepository(site), { logs: false });
  const plain = backups
    .filter(({ manifest }) => sources.includes(manifest.source))
    .map(({ manifest }) => sizes(withoutExports(manifest)).plain);
  return Math.max(0, ...plain);
}
