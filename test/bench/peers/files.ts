/** How a tree of files is backed up without us: first, and again when nothing has changed. */
import { createArchive } from '../../../activities/sources/files/tar.ts';
import { DEFAULT_COMPRESSION } from '../../../activities/streams/compression.ts';
import type { Peer } from './shell.ts';

const { level, threads } = DEFAULT_COMPRESSION;

/** Flags that only list what is archived, or make it quicker, as a pipeline by hand does not do. */
const OURS_ALONE =
  /^(-vv|--full-time|--quoting-style=.*|--index-file=.*|--warning=.*|--directory=.*|--blocking-factor=.*)$/;

/** Our own flags, so that both always archive the same files. */
function tar(snapshot: string): string {
  const ignore = (): void => {};
  const { args } = createArchive({ roots: [], patterns: [], snapshot, onListed: ignore, onMessage: ignore });
  const flags = args.filter((arg) => arg !== '--' && !OURS_ALONE.test(arg));
  return `tar ${flags.map(quote).join(' ')} --directory=/ -- "\${TREE#/}"`;
}

/** Variables of the commands are left to the shell. */
function quote(arg: string): string {
  return /^[\w=./-]+$/.test(arg) ? arg : `"${arg}"`;
}

const SNAPSHOT = '$WORK/snapshot';
const SEALED = `zstd -${level} -T${threads} | age -r "$RECIPIENT" > "$WORK/base.tar.zst.age"; sync "$WORK/base.tar.zst.age"`;
/** Regular files in a long listing are as many as were made. */
const COUNTS = 'test "$(grep -c "^-")" = "$FILES"';

/** Tar leaves the zeros behind its last record: unread, they would end the program before it by SIGPIPE. */
const LIST = '{ tar -tv; cat > /dev/null; }';

/** An archive holds every file. */
export const HAS_ALL = `${LIST} | ${COUNTS}`;
/** An archive holds folders alone, as of a tree that has not changed. */
export const HAS_NO_FILE = `test "$(${LIST} | grep -c "^-" || true)" = 0`;

export const FIRST_PEERS: readonly Peer[] = [
  {
    name: 'shell pipeline',
    command: `${tar(SNAPSHOT)} | ${SEALED}`,
    check: `age -d -i "$IDENTITY" "$WORK/base.tar.zst.age" | zstd -d | ${HAS_ALL}`,
  },
  {
    name: 'restic',
    most: 2,
    before: 'restic init',
    command: 'restic backup "$TREE"',
    check: `restic ls --long latest | ${COUNTS}`,
  },
  {
    name: 'borg',
    most: 2,
    before: 'borg init --encryption=repokey-blake2',
    command: 'borg create ::first "$TREE"',
    check: `borg list ::first | ${COUNTS}`,
  },
];

/** Each has stored the tree before. tar reads no file where it writes to /dev/null, hence the `cat`. */
export const AGAIN_PEERS: readonly Peer[] = [
  {
    name: 'tar --listed-incremental',
    before: `${tar(SNAPSHOT)} > /dev/null`,
    command: `${tar(SNAPSHOT)} | cat > /dev/null`,
    check: `${tar(SNAPSHOT)} | ${HAS_NO_FILE}`,
  },
  {
    name: 'restic',
    before: 'restic init; restic backup "$TREE"',
    command: 'restic backup "$TREE"',
    check: `restic ls --long latest | ${COUNTS}`,
  },
  {
    name: 'borg',
    before: 'borg init --encryption=repokey-blake2; borg create ::first "$TREE"',
    command: 'borg create "::again-$(date +%s%N)" "$TREE"',
    check: `borg list "::$(borg list --last 1 --short)" | ${COUNTS}`,
  },
];
