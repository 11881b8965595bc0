/**
 * Lists what an incremental leaves to earlier backups: tar names only what it archives. find prints the inventory's
 * lines itself where no name needs escaping, which is nearly always: 100,000 files would cost Node more time than
 * tar needs to see that nothing has changed.
 */
import { Socket } from 'node:net';
import type { FileEntry } from '../../../model/inventory.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Limits } from '../../streams/types.ts';
import type { Work } from '../../work.ts';
import { formatEntry, nanoseconds } from './inventory.ts';
import { textOf } from './names.ts';
import { findExcludes, type Pattern } from './patterns.ts';

export interface WalkOptions {
  /** Relative to the root. */
  readonly roots: readonly string[];
  readonly patterns: readonly Pattern[];
  /** tar's time: what has an mtime and ctime up to it is unchanged. Seconds and nanoseconds. */
  readonly since: string;
  /** Gets the inventory's lines, many at once, without the last line break. */
  readonly push: (lines: string) => void;
  readonly limits: Limits;
  readonly work: Work;
}

/** Folders by their names (byte strings) with the mtime that they had. */
export type Folders = ReadonlyMap<string, string>;

/** What JSON need not escape: ASCII but for control characters, `"` and `\\`. Regular expressions are the faster test here. */
const PLAIN = '[]!#-[^-~ ]*';
const ODD_TARGET = '*[!]!#-[^-~ ]*';
/** Begins a record among the lines: a control character, so it is in no line. */
const MARK = 2;
/** Fields of a record, each ended by NUL, after the mark: class, type, mtime, size, mode, uid, gid, path, target. */
const RECORD = String.raw`%y\0%T@\0%s\0%m\0%U\0%G\0%p\0%l\0`;
const FIELDS = 9;
const TYPES: Readonly<Record<string, FileEntry['type']>> = {
  f: 'file',
  l: 'symlink',
  p: 'fifo',
  b: 'block',
  c: 'character',
  d: 'directory',
};

/** Walks the tree. Entries are marked `inherited`; those that changed since tar's time are `unsettled` as well. */
export async function walk(options: WalkOptions): Promise<Folders> {
  const folders = new Map<string, string>();
  const parser = walkParser(options.push, (fields) => {
    const [kind, , mtime = '', , , , , path = ''] = fields;
    if (kind === 'd') folders.set(path, nanoseconds(mtime));
    else options.push(formatEntry(entryOf(fields)));
  });
  // What vanishes while it looks, or may not be read, makes find exit with 1; tar reports both.
  const find = { command: 'find', args: findArguments(options), cwd: '/', accept: [1], env: { LC_ALL: 'C' } };
  await runPipeline({
    programs: [find],
    drain: async (fd) => {
      for await (const chunk of new Socket({ fd, readable: true, writable: false }) as AsyncIterable<Buffer>)
        parser(chunk);
    },
    bytes: () => 0,
    phase: 'listing',
    total: null,
    limits: { ...options.limits, maxRate: undefined },
    work: { ...options.work, progress: () => undefined },
  });
  return folders;
}

function findArguments({ roots, patterns, since }: WalkOptions): readonly string[] {
  const excludes = findExcludes(patterns);
  const tests = [
    ...(excludes.length === 0 ? [] : [[...excludes, '-prune']]),
    ['-type', 'd', '-printf', String.raw`\002d\0${RECORD}`],
    ['-type', 's'],
    ['(', '-newermt', `@${since}`, '-o', '-newerct', `@${since}`, ')', '-printf', String.raw`\002n\0${RECORD}`],
    ['(', '!', '-regex', PLAIN, '-o', '-lname', ODD_TARGET, ')', '-printf', String.raw`\002o\0${RECORD}`],
    ...Object.entries(TYPES).map(([letter, type]) => ['-type', letter, '-printf', line(letter, type)]),
  ];
  const expression = tests.flatMap((test, index) => (index === 0 ? test : ['-o'].concat(test)));
  return [...roots, '-xdev', '-regextype', 'posix-extended', ...expression];
}

function line(letter: string, type: FileEntry['type']): string {
  const size = letter === 'f' ? '%s' : '0';
  const target = letter === 'l' ? ',"target":"%l"' : '';
  return String.raw`{"path":"%p","type":"${type}","size":${size},"mode":"%m","uid":%U,"gid":%G,"mtime":"%T@"${target},"inherited":true}\n`;
}

function entryOf([
  kind,
  letter = '',
  mtime = '',
  size,
  mode = '',
  uid,
  gid,
  path = '',
  target = '',
]: readonly string[]): FileEntry {
  const type = TYPES[letter] ?? 'file';
  return {
    path: textOf(path),
    type,
    size: type === 'file' ? Number(size) : 0,
    mode,
    uid: Number(uid),
    gid: Number(gid),
    mtime: nanoseconds(mtime),
    ...(type === 'symlink' ? { target: textOf(target) } : {}),
    inherited: true,
    ...(kind === 'n' ? { unsettled: true } : {}),
  };
}

/** Separates whole lines, passed on as they are, from records. Takes find's output in pieces. */
export function walkParser(
  onLines: (lines: string) => void,
  onRecord: (fields: readonly string[]) => void,
): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);

  /** Where the record ends that begins at `from`; -1 when it is not whole yet. */
  function endOfRecord(from: number): number {
    let at = from;
    for (let field = 0; field < FIELDS; field += 1) {
      at = rest.indexOf(0, at) + 1;
      if (at === 0) return -1;
    }
    return at;
  }

  return function push(chunk) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (at < rest.length) {
      if (rest[at] === MARK) {
        const end = endOfRecord(at + 1);
        if (end < 0) break;
        onRecord(rest.toString('latin1', at + 1, end - 1).split('\0'));
        at = end;
      } else {
        const mark = rest.indexOf(MARK, at);
        const end = mark < 0 ? rest.lastIndexOf('\n') + 1 : mark;
        if (end <= at) break;
        onLines(rest.toString('latin1', at, end - 1));
        at = end;
      }
    }
    rest = rest.subarray(at);
  };
}
