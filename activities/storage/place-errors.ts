/** What is said of a place that is not there, is not ours, or whose marker cannot be read. */
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';

/** Name of the marker in the root of a place. Hidden, so it is never listed as an object. */
export const MARKER = '.mosaic-backup.json';

/** Of a `Place`, what is told. */
interface Named {
  readonly what: string;
  readonly root: string;
  readonly site: string;
  readonly host?: string;
}

export function missing({ root, what }: Named, used: boolean): BackupError {
  return new BackupError('unreachable', `The ${what} is not there: ${root} does not exist.`, {
    remedy: used
      ? 'It was used before: mount its disk, or move the folder back.'
      : `Mount its disk if it has one; when this is its first use, make the folder: install -d -m 700 ${root}`,
    facts: { path: root },
  });
}

export function unmounted(place: Named, memory: string): BackupError {
  const { root, what } = place;
  return new BackupError(
    'unreachable',
    `The ${what} is not there: ${root} was used before, and its marker (${MARKER}) is gone.`,
    {
      remedy: `Mount its disk. If the folder was emptied on purpose, remove ${memory}, and it is used as a new one.`,
      facts: { path: root, marker: MARKER },
    },
  );
}

export function forgotten(place: Named, file: string): BackupError {
  const { root, what } = place;
  return new BackupError(
    'unreachable',
    `Whether the ${what} is there cannot be told: ${root} has no marker (${MARKER}), and ${file}, where this host remembers whether it was used, cannot be read.`,
    {
      remedy: `Mount its disk: with its marker there, all is well again by itself. If it has never been used, or was emptied on purpose: rm ${file}`,
      facts: { path: root, file },
    },
  );
}

/** Tried again until it is mended; not `unreachable`, which of a removable disk would be no failure. */
export const MARKER_DAMAGED = 'preflight-failed';

export function markerDamaged(place: Named, memory: string): BackupError {
  const { root, what, site } = place;
  const file = path.join(root, MARKER);
  return new BackupError(MARKER_DAMAGED, `Whose the ${what} is cannot be told: its marker ${file} cannot be read.`, {
    remedy: `If the folder is that of "${site}" (its manifests say so: grep -rhm1 --include=manifest.json '"site"' ${root}): rm ${file} there, and here: rm -f ${memory}. It is marked anew with the next step, which is tried again; what it holds stays. If it is not, give "${site}" another folder.`,
    facts: { path: root, file },
  });
}

export function noDisk({ root, what }: Named): BackupError {
  return new BackupError('unreachable', `The ${what} is not there: no disk is mounted at ${root}.`, {
    remedy: `Plug the disk in and mount it; a folder that is to stay on this machine's own disk is not "removable".`,
    facts: { path: root },
  });
}

export function foreign({ root, what, site }: Named, there: { readonly site: string }): BackupError {
  return new BackupError('refused', `The ${what} at ${root} belongs to the site "${there.site}", not to "${site}".`, {
    remedy: 'Give each site a folder of its own.',
    facts: { path: root, site: there.site },
  });
}

export function ofOtherHost({ root, what, host }: Named, other: string): BackupError {
  return new BackupError('refused', `The ${what} at ${root} is that of the host "${other}", not of "${host}".`, {
    remedy: `Give each host a folder of its own (hosts.${host}.repository). If this host was called "${other}" before: remove "host" from ${root}/${MARKER}.`,
    facts: { path: root, host: other },
  });
}

/** The disk was unplugged, though it counts as mounted still. @param errno `EIO` and the like. */
export function pulled({ root, what }: Named, errno: string, cause: unknown): BackupError {
  return new BackupError('unreachable', `The ${what} is not there: the disk at ${root} does not answer (${errno}).`, {
    remedy: 'Look in `dmesg` and at the cable: when the disk is back, unmount it, and mount it again.',
    facts: { path: root, errno },
    cause,
  });
}
