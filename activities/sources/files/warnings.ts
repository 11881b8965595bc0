/** What tar's messages mean for the backup. */
import type { FilesSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Warning } from '../../../model/manifest.ts';
import type { Message } from './messages.ts';
import { showPath } from './names.ts';
import { matcher, patternsOf } from './patterns.ts';
import type { Selection } from './selection.ts';

/** As many paths of one kind as a manifest names. */
const NAMED = 100;

export interface Judged {
  readonly warnings: readonly Warning[];
  /** Whether an incremental may build on it: a file that could not be read would look unchanged to it. */
  readonly complete: boolean;
}

/**
 * Turns messages into warnings of the manifest.
 * @throws BackupError `preflight-failed` when a mount below a path came out empty, `failed` for a folder that moved meanwhile.
 */
export function judge(messages: readonly Message[], selection: Selection, config: FilesSource): Judged {
  refuseEmptyMounts(messages, selection);
  refuseRenames(messages);
  const isVolatile = matcher(patternsOf(config.volatile));
  const of = (kind: Message['kind']): readonly Message[] => messages.filter((message) => message.kind === kind);
  const changed = of('changed');
  const warnings = [
    warning(
      'files.changed',
      'changed or vanished while it was read',
      changed.filter(({ path }) => !isVolatile(path)),
      true,
    ),
    warning(
      'files.volatile',
      'changed or vanished while it was read, as expected (volatile)',
      changed.filter(({ path }) => isVolatile(path)),
      false,
    ),
    warning('files.unreadable', 'could not be read', of('unreadable'), true),
    warning('files.metadata', 'has ACLs or attributes that could not be read', of('metadata'), true),
    warning('files.sockets', 'is a socket, which cannot be archived', of('skipped'), false),
    warning('files.other', 'tar said something about it that is not understood', of('unknown'), true),
  ];
  return { warnings: warnings.filter((each) => each !== undefined), complete: of('unreadable').length === 0 };
}

function warning(code: string, what: string, messages: readonly Message[], partial: boolean): Warning | undefined {
  const [first] = messages;
  if (!first) return undefined;
  const paths = [...new Set(messages.map(({ path }) => showPath(path)))];
  const others = paths.length > 1 ? ` and ${paths.length - 1} more` : '';
  return { code, message: `${paths[0]}${others} ${what} (${first.text})`, partial, paths: paths.slice(0, NAMED) };
}

/** Whatever the preflight knew: what tar left out because of its device must be an argument of its own, or excluded. */
function refuseEmptyMounts(messages: readonly Message[], { roots, excluded }: Selection): void {
  const empty = messages
    .filter(({ kind, path }) => kind === 'other-device' && !roots.includes(path) && !excluded(`/${path}`))
    .map(({ path }) => showPath(path));
  if (empty.length === 0) return;
  throw new BackupError(
    'preflight-failed',
    `${empty.join(', ')} came out empty: another file system (a mount, a btrfs subvolume) below the path`,
    {
      remedy: `Add ${empty.map((path) => `"${path}"`).join(', ')} to paths or to exclude.`,
      facts: { paths: empty },
    },
  );
}

/** Folders that moved before tar began are handled (snapshot.ts); one that moves meanwhile would be recorded as renamed. */
function refuseRenames(messages: readonly Message[]): void {
  const renamed = messages.find(({ kind, text }) => kind === 'renamed' && text.includes(' from '));
  if (!renamed) return;
  throw new BackupError(
    'failed',
    `${showPath(renamed.path)} was moved while tar began (${renamed.text}); it is tried again`,
    {
      remedy: 'If this comes again, look whether the folder is mounted at two places, and exclude one.',
      facts: { path: showPath(renamed.path) },
    },
  );
}
