/** The physical device that a folder is on, so that two copies on one disk count as one. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { ifThere } from './fs-errors.ts';

/**
 * Names the device below a folder: the disk below partitions, LVM, encryption, RAID and loop devices (`disk:sda`,
 * `disk:nvme0n1+nvme1n1`), the server of a network mount (`server:vault`), else the file system (`fs:tmpfs:27`).
 */
export async function deviceOf(folder: string): Promise<string> {
  const { dev } = await stat(folder);
  // glibc's makedev for the 64-bit device numbers of Linux.
  const major = Math.floor(dev / 256) % 4096;
  const minor = (dev % 256) + Math.floor(dev / 2 ** 20) * 256;
  const disks = await disksOf(`${major}:${minor}`);
  if (disks.length > 0) return `disk:${disks.join('+')}`;
  const mount = await mountOf(folder, `${major}:${minor}`);
  const server = mount && /^(?:\/\/)?([^/:]+):?\//.exec(mount.source)?.[1];
  if (mount && server && NETWORK.test(mount.type)) return `server:${server}`;
  // btrfs gives its subvolumes numbers of no device; its mount names one.
  const source = mount?.source.startsWith('/dev/') ? await ifThere(stat(mount.source)) : undefined;
  const below = source
    ? await disksOf(
        `${Math.floor(source.rdev / 256) % 4096}:${(source.rdev % 256) + Math.floor(source.rdev / 2 ** 20) * 256}`,
      )
    : [];
  if (below.length > 0) return `disk:${below.join('+')}`;
  return `fs:${mount?.type ?? 'unknown'}:${dev}`;
}

const NETWORK = /^(?:nfs|cifs|smb|fuse\.sshfs|ceph|9p)/;

/** The disks that a block device is made of; none when there is no such block device. */
async function disksOf(number: string): Promise<readonly string[]> {
  const node = await ifThere(realpath(`/sys/dev/block/${number}`));
  return node === undefined ? [] : [...new Set(await disksBelow(node))].toSorted();
}

async function disksBelow(node: string): Promise<readonly string[]> {
  if ((await ifThere(stat(path.join(node, 'partition')))) !== undefined) return disksBelow(path.dirname(node));
  const slaves = (await ifThere(readdir(path.join(node, 'slaves')))) ?? [];
  if (slaves.length > 0) {
    const found = await Promise.all(
      slaves.map(async (slave) => disksBelow(await realpath(path.join(node, 'slaves', slave)))),
    );
    return found.flat();
  }
  const backing = await ifThere(readFile(path.join(node, 'loop', 'backing_file'), 'utf8'));
  if (backing === undefined) return [path.basename(node)];
  // A loop device is where its file is; a file that was deleted or is in another namespace stands for itself.
  const folder = path.dirname(backing.trim());
  if ((await ifThere(stat(folder))) === undefined) return [path.basename(node)];
  return [(await deviceOf(folder)).replace(/^disk:/, '')];
}

async function mountOf(
  folder: string,
  number: string,
): Promise<{ readonly type: string; readonly source: string } | undefined> {
  const resolved = await realpath(folder);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map(parseMount);
  return mounts.findLast((mount) => mount?.number === number && isBelow(resolved, mount.point));
}

function parseMount(line: string) {
  const [head, tail] = line.split(' - ');
  const fields = head?.split(' ') ?? [];
  const [type, source] = tail?.split(' ') ?? [];
  const number = fields[2];
  const point = fields[4];
  if (number === undefined || point === undefined || type === undefined || source === undefined) return undefined;
  return { number, point: unescape(point), type, source: unescape(source) };
}

/** mountinfo writes spaces and the like as \040. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function isBelow(folder: string, point: string): boolean {
  return point === '/' || folder === point || folder.startsWith(`${point}/`);
}
