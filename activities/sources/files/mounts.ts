/** What is mounted where: /proc/self/mountinfo, as proc(5) describes it. */
import { readFile } from 'node:fs/promises';
import { textOf } from './names.ts';

export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** `major:minor`; for btrfs the same for all subvolumes. */
  readonly device: string;
  /** The folder of the file system that is mounted: `/` but for bind mounts and subvolumes. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
}

/** File systems that hold no data of their own: the kernel's view of itself. */
const PSEUDO = new Set(
  (
    'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs ' +
    'proc pstore rpc_pipefs securityfs selinuxfs sysfs tracefs'
  ).split(' '),
);

/** File systems on this machine's own disks: captured without being asked for. */
const LOCAL = new Set('bcachefs btrfs exfat ext2 ext3 ext4 f2fs jfs msdos ntfs3 reiserfs vfat xfs zfs'.split(' '));

export function isPseudo({ type }: Mount): boolean {
  return PSEUDO.has(type);
}

export function isLocal({ type }: Mount): boolean {
  return LOCAL.has(type);
}

/** The mounts that can be seen now. */
export async function readMounts(): Promise<readonly Mount[]> {
  return visible(parseMountinfo(await readFile('/proc/self/mountinfo', 'latin1')));
}

/** `36 35 98:0 /root /point options - type source options`; spaces and the like are `\040`. */
export function parseMountinfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [id, parent, device, root, point, ...rest] = line.split(' ');
    const type = rest[rest.indexOf('-') + 1];
    if (device === undefined || root === undefined || point === undefined || type === undefined) return [];
    return [{ id: Number(id), parent: Number(parent), device, root: decode(root), point: decode(point), type }];
  });
}

function decode(field: string): string {
  return textOf(
    field.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
  );
}

/** Without the mounts that others cover: at the same place, or at a folder above it. */
export function visible(mounts: readonly Mount[]): readonly Mount[] {
  return mounts.filter((mount) => resolve(mounts, mount.point) === mount);
}

/** The mount that a path leads to, followed as the kernel does from the root. */
function resolve(mounts: readonly Mount[], path: string): Mount | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  let current = mounts.find(({ id, parent, point }) => point === '/' && (parent === id || !ids.has(parent)));
  for (;;) {
    const from = current;
    const next = mounts
      .filter((mount) => mount !== from && mount.parent === from?.id && isWithin(path, mount.point))
      .toSorted((a, b) => a.point.length - b.point.length)[0];
    if (!next) return current;
    current = next;
  }
}

/** The mount that holds a path. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.filter(({ point }) => isWithin(path, point)).toSorted((a, b) => b.point.length - a.point.length)[0];
}

/** The mounts strictly below a path, in the order of their paths. */
export function mountsBelow(mounts: readonly Mount[], path: string): readonly Mount[] {
  return mounts
    .filter(({ point }) => point !== path && isWithin(point, path))
    .toSorted((a, b) => (a.point < b.point ? -1 : 1));
}

/** Where a path lies inside its file system, so that two ways to one folder can be told. */
export function insideOf(mount: Mount, path: string): string {
  const rest = mount.point === '/' ? path : path.slice(mount.point.length);
  return `${mount.root === '/' ? '' : mount.root}${rest}` || '/';
}

/** Whether a path is a folder or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
