/** Mounts that /etc/fstab promises and that are not there. */
import { readFile } from 'node:fs/promises';
import type { Finding } from '../../../model/finding.ts';
import { errnoOf } from './errno.ts';
import { isWithin, type Mount } from './mounts.ts';
import type { Selection } from './selection.ts';

export async function readFstab(): Promise<string> {
  try {
    return await readFile('/etc/fstab', 'utf8');
  } catch (error) {
    // Containers have none.
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}

/** Errors for mount points above or below a path that fstab mounts at boot, and that are not mounted. */
export function findUnmounted(
  source: string,
  fstab: string,
  mounts: readonly Mount[],
  selection: Selection,
): readonly Finding[] {
  return mountPoints(fstab)
    .filter((point) => !mounts.some((mount) => mount.point === point))
    .filter((point) => selection.roots.some((root) => isWithin(`/${root}`, point) || isWithin(point, `/${root}`)))
    .filter((point) => !selection.excluded(point))
    .map((point) => ({
      code: 'files.not-mounted',
      severity: 'error',
      message: `/etc/fstab mounts ${point}, and it is not mounted: the backup would hold the empty folder`,
      remedy: `mount ${point}`,
      subject: source,
    }));
}

function mountPoints(fstab: string): readonly string[] {
  return fstab.split('\n').flatMap((line) => {
    const [device = '#', point = '', , options = ''] = line.trim().split(/\s+/);
    const onDemand = /(^|,)(noauto|x-systemd\.automount)(,|=|$)/.test(options);
    if (device.startsWith('#') || !point.startsWith('/') || point === '/' || onDemand) return [];
    return [point.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))];
  });
}
