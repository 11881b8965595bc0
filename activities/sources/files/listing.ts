/** Parses tar's own list of what it archived: `-vv --full-time --quoting-style=c`, with TZ=UTC and LC_ALL=C. */
import type { FileEntry } from '../../../model/inventory.ts';
import { BackupError } from '../../../model/errors.ts';
import { textOf, unquote } from './names.ts';

/** `-rw-r--r-- 0/0   2 2026-11-23 21:40:14.534324606 "d/a"`, a device's size is `8,1`, `+`, `.` and `*` tell of ACLs and attributes, links end in ` -> "…"` or ` link to "…"`. */
const LINE =
  /^([-dlhpbcC])([-rwxsStT]{9})[+.*]? +(\d+)\/(\d+) +(\d+)(?:,\d+)? +(-?\d+-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d+))? +"([^"\\]*(?:\\.[^"\\]*)*)"(?: (?:->|link to) "([^"\\]*(?:\\.[^"\\]*)*)")?$/;

const TYPES: Readonly<Record<string, FileEntry['type']>> = {
  '-': 'file',
  C: 'file',
  d: 'directory',
  l: 'symlink',
  h: 'hardlink',
  p: 'fifo',
  b: 'block',
  c: 'character',
};

/** A parser of lines; it remembers the last second and the modes it saw, which repeat. */
export function listingParser(): (line: string) => FileEntry {
  const modes = new Map<string, string>();
  let lastTime = '';
  let lastSeconds = 0;

  function modeOf(permissions: string): string {
    const known = modes.get(permissions);
    if (known !== undefined) return known;
    const mode = octalMode(permissions);
    modes.set(permissions, mode);
    return mode;
  }

  function secondsOf(time: string): number {
    if (time !== lastTime) {
      lastTime = time;
      lastSeconds = Date.parse(`${time.replace(' ', 'T')}Z`) / 1000;
    }
    return lastSeconds;
  }

  return function parse(line) {
    const match = LINE.exec(line);
    if (!match) throw unreadable(line);
    const [, letter = '', permissions = '', uid, gid, size, time = '', fraction = '', quoted = '', link] = match;
    const type = TYPES[letter] ?? 'file';
    return {
      path: textOf(unquote(type === 'directory' ? quoted.replace(/\/$/, '') : quoted)),
      type,
      size: type === 'file' ? Number(size) : 0,
      mode: modeOf(permissions),
      uid: Number(uid),
      gid: Number(gid),
      mtime: timestamp(secondsOf(time), fraction),
      ...(link === undefined ? {} : { target: textOf(unquote(link)) }),
    };
  };
}

/** `rwsr-xr-t` → `5755`. */
function octalMode(permissions: string): string {
  const bits = Array.from(permissions, (letter) => (/[rwxst]/.test(letter) ? 1 : 0));
  const special = [2, 5, 8].map((place) => (/[sStT]/.test(permissions[place] ?? '') ? 1 : 0));
  return Number.parseInt([...special, ...bits].join(''), 2)
    .toString(8)
    .padStart(3, '0');
}

/** Seconds and nanoseconds as timespec has them. For times before 1970 tar prints the fraction as counted backwards. */
function timestamp(seconds: number, fraction: string): string {
  const nanoseconds = fraction.padEnd(9, '0');
  if (seconds >= 0 || Number(nanoseconds) === 0) return `${seconds}.${nanoseconds}`;
  return `${seconds - 1}.${String(1_000_000_000 - Number(nanoseconds)).padStart(9, '0')}`;
}

function unreadable(line: string): BackupError {
  return new BackupError('failed', `tar printed a line that is not understood: ${line.slice(0, 300)}`, {
    remedy: 'GNU tar 1.30 or later is needed; report this if it is.',
  });
}
