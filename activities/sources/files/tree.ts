/** Reads a tree on disk into entries as inventories have them. */
import { Socket } from 'node:net';
import type { FileEntry } from '../../../model/inventory.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { textOf } from './names.ts';

export interface TreeEntry extends FileEntry {
  /** Tells hard links of one file. */
  readonly inode: string;
  /** Whoever looks may not read it: of a file the content, of a folder what is in it. Root may read everything. */
  readonly closed?: true;
}

const TYPES: Readonly<Record<string, FileEntry['type']>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  p: 'fifo',
  b: 'block',
  c: 'character',
};
const FORMAT = String.raw`%y\0%T@\0%s\0%m\0%U\0%G\0%i\0%P\0%l\0`;
const FIELDS = 10;

/** Of `find`: a folder that this user may not list and pass. Going into it would fail, which says nothing against a backup. */
export const CLOSED_FOLDER = ['-type', 'd', '(', '!', '-readable', '-o', '!', '-executable', ')'] as const;

const CLOSED_FILE = ['-type', 'f', '!', '-readable'] as const;
const OPEN = ['-printf', String.raw`${FORMAT}\0`] as const;
const CLOSED = ['-printf', String.raw`${FORMAT}closed\0`] as const;
const LOOK = [
  '(',
  ...CLOSED_FOLDER,
  ...CLOSED,
  '-prune',
  ')',
  '-o',
  '(',
  ...CLOSED_FILE,
  ...CLOSED,
  ')',
  '-o',
  ...OPEN,
];

/** All entries below a folder, by their paths relative to it. */
export async function readTree(folder: string, work: Work): Promise<ReadonlyMap<string, TreeEntry>> {
  const entries = new Map<string, TreeEntry>();
  let fields: string[] = [];
  function take(field: string): void {
    fields.push(field);
    if (fields.length < FIELDS) return;
    const entry = entryOf(fields);
    entries.set(entry.path, entry);
    fields = [];
  }
  await runPipeline({
    programs: [{ command: 'find', args: [folder, '-mindepth', '1', '(', ...LOOK, ')'], env: { LC_ALL: 'C' } }],
    drain: async (fd) => {
      let begun = '';
      for await (const chunk of new Socket({ fd, readable: true, writable: false }) as AsyncIterable<Buffer>) {
        const pieces = `${begun}${chunk.toString('latin1')}`.split('\0');
        begun = pieces.pop() ?? '';
        pieces.forEach(take);
      }
    },
    bytes: () => entries.size,
    phase: 'comparing',
    total: null,
    work,
  });
  return entries;
}

function entryOf([
  letter = '',
  mtime = '',
  size,
  mode = '',
  uid,
  gid,
  inode = '',
  path = '',
  target = '',
  closed = '',
]: readonly string[]): TreeEntry {
  const type = TYPES[letter] ?? 'file';
  return {
    path: textOf(path),
    type,
    size: type === 'file' ? Number(size) : 0,
    mode: mode.padStart(3, '0'),
    uid: Number(uid),
    gid: Number(gid),
    // find prints ten decimals, the last of them always 0.
    mtime: mtime.replace(/^(-?\d+\.\d{9})\d$/, '$1'),
    inode,
    ...(type === 'symlink' ? { target: textOf(target) } : {}),
    ...(closed === '' ? {} : { closed: true as const }),
  };
}
