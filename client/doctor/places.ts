/** Repository, state and destinations: reachable, writable, roomy, and apart from each other. */
import { access, constants, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isAbsence } from '../../activities/operations/plan-run.ts';
import type { Site } from '../../activities/site.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import { deviceOf } from '../../activities/storage/device.ts';
import { errnoOf, ifThere } from '../../activities/storage/fs-errors.ts';
import { openRepository } from '../../activities/storage/repository.ts';
import { freeSpace } from '../../activities/storage/space.ts';
import { destinationFolders } from '../../model/config/destination.ts';
import { isWithin } from '../../model/config/folders.ts';
import { isThisMachine } from '../../model/device.ts';
import type { Finding } from '../../model/finding.ts';
import { sizes } from '../../model/manifest.ts';
import { formatBytes } from '../../model/units.ts';
import { problem, warning, type Seen } from './examine.ts';

export async function examineRepository(site: Site): Promise<Seen> {
  const { repository } = site;
  const store = await openRepository(site);
  const [free, needed] = [await freeSpace(repository), newestSizes(await listBackups(store, { logs: false }))];
  const findings = [...(await writable(repository, 'repository')), ...tight(repository, free, needed, 'repository')];
  return {
    facts: `${repository}, ${formatBytes(free)} free, newest backups of all sources ${formatBytes(needed)}`,
    findings,
  };
}

export async function examineState({ state }: Site): Promise<Seen> {
  const found = await ifThere(stat(state));
  const open =
    found && (found.mode & 0o077) !== 0
      ? [problem('state.open', `the state folder ${state} is open to others`, `chmod 700 ${state}`, 'state')]
      : [];
  return { facts: state, findings: [...open, ...(await writable(state, 'state'))] };
}

export async function examineDestination(site: Site, name: string): Promise<Seen> {
  const destination = openDestination(name, site);
  try {
    await destination.probe();
  } catch (error) {
    // That it is absent is as it should be; `status` says when its copies are too old.
    if (isAbsence(site, name, error)) return { facts: 'removable, absent' };
    throw error;
  }
  const [free, device, own] = [
    await destination.free(),
    await destination.device(),
    await ifThere(deviceOf(await existing(site.repository))),
  ];
  const needed = newestSizes(await listBackups(await openRepository(site), { logs: false }));
  const weak = ((await destination.weaknesses?.()) ?? []).map(({ message, remedy }) =>
    warning('destination.weak', message, remedy, name),
  );
  const facts = [
    destination.type,
    device,
    free === null ? '' : `${formatBytes(free)} free`,
    destination.offsite ? 'off-site' : '',
  ];
  return {
    facts: facts.filter((fact) => fact !== '').join(', '),
    findings: [...sameDevice(name, own, device), ...weak, ...(free === null ? [] : tight(name, free, needed, name))],
  };
}

/** One failure takes a destination on the repository's device, and one on a server of this machine, wherever that is. */
function sameDevice(name: string, own: string | undefined, device: string): readonly Finding[] {
  const code = 'destination.same-device';
  if (own === device) {
    const message = `${name} is on the device of the repository (${device}): one failure takes both`;
    return [warning(code, message, 'Put it on another device, or add a destination that is.', name)];
  }
  if (!isThisMachine(device)) return [];
  const message = `${name} is a server of this machine (${device}): one failure takes both, and it counts as no further device`;
  const remedy =
    'Put it on another machine. Where that address is a tunnel to one, give the tunnel a name of its own in /etc/hosts.';
  return [warning(code, message, remedy, name)];
}

/** What the config cannot see: two of its folders that are one through a link. */
export async function examineLinks(site: Site): Promise<Seen> {
  const destinations = destinationFolders(site.config).map(({ name, folder }) => ({
    what: `the destination "${name}"`,
    path: folder,
  }));
  const places = [
    { what: 'the repository', path: site.repository },
    { what: 'the state folder', path: site.state },
    ...destinations,
  ];
  const real = await Promise.all(
    places.map(async ({ what, path }) => ({ what, path: (await ifThere(realpath(path))) ?? path })),
  );
  const findings = real.flatMap((one, index) =>
    real
      .slice(0, index)
      .filter((other) => isWithin(one.path, other.path) || isWithin(other.path, one.path))
      .map((other) =>
        problem(
          'places.linked',
          `${one.what} and ${other.what} are one place, through a link`,
          'Give each a folder of its own.',
          one.what,
        ),
      ),
  );
  return { facts: `${places.length} folders apart`, findings };
}

/** Stored bytes of the newest backup of each source. */
function newestSizes(backups: Awaited<ReturnType<typeof listBackups>>): number {
  const newest = new Map(
    backups
      .toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled))
      .map(({ manifest }) => [manifest.source, manifest]),
  );
  return [...newest.values()].reduce((sum, manifest) => sum + sizes(manifest).stored, 0);
}

function tight(where: string, free: number, needed: number, subject: string): readonly Finding[] {
  if (free >= 2 * needed && free > 0) return [];
  const message = `${where} has ${formatBytes(free)} free, and the newest backups of all sources took ${formatBytes(needed)}`;
  const remedy = 'Free some space, or move it to a bigger disk: room for two more rounds should be there.';
  return [
    free < needed || free === 0
      ? problem('space.too-little', message, remedy, subject)
      : warning('space.tight', message, remedy, subject),
  ];
}

export async function writable(folder: string, subject: string): Promise<readonly Finding[]> {
  const there = await existing(folder);
  try {
    await access(there, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const why = errnoOf(error) === 'EROFS' ? 'is on a read-only file system' : 'cannot be written by this user';
    return [
      problem(
        'places.not-writable',
        `${there} ${why}`,
        `Mount it writable, or: chown ${process.getuid?.()} ${there}`,
        subject,
      ),
    ];
  }
}

/** The folder itself, or the nearest one above it that exists: before first use there is none. */
export async function existing(folder: string): Promise<string> {
  return (await ifThere(stat(folder))) === undefined ? existing(path.dirname(folder)) : folder;
}
