/** File systems that give a file not back: what a capture of them cannot read. Needs root, to mount them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './folders.ts';

const mounted: string[] = [];

/** @returns where it is mounted: the blocks of its file `bad` lie beyond the end of the disk, `good` is well. */
export async function damagedDisk(): Promise<string> {
  const folder = await temporaryFolder({ onDisk: true });
  const [image, mount] = [path.join(folder, 'image'), path.join(folder, 'mount')];
  mkdirSync(mount);
  writeFileSync(image, '');
  truncateSync(image, 8 * 2 ** 20);
  execFileSync('mkfs.ext2', ['-q', image]);
  execFileSync('mount', ['-o', 'loop', image, mount]);
  writeFileSync(path.join(mount, 'good'), 'good');
  writeFileSync(path.join(mount, 'bad'), Buffer.alloc(4096, 1));
  execFileSync('umount', [mount]);
  execFileSync('debugfs', ['-w', '-R', 'set_inode_field bad block[0] 99999999', image], { stdio: 'pipe' });
  execFileSync('mount', ['-o', 'loop', image, mount]);
  mounted.push(mount);
  return mount;
}

/** Before their folders are removed. */
export function removeDamagedDisks(): void {
  for (const mount of mounted.splice(0)) execFileSync('umount', [mount]);
}
