/**
 * What tar says on stderr while it archives (GNU tar, LC_ALL=C, `--quoting-style=c`), sorted by what it means.
 * Exit 1 only says that a file changed and exit 2 that something failed, so the messages decide.
 */
import { textOf, unquote } from './names.ts';

/**
 * `changed`: changed, shrank or vanished while it was read. `unreadable`: not in the
 * archive, or with zeros in it. `metadata`: an ACL or attribute could not be read.
 * `absent`: not in the archive from which it was to be extracted. `skipped`: a socket. `other-device`: a mount below, which came out empty. `renamed`: taken for a renamed folder.
 */
export type MessageKind =
  | 'changed'
  | 'unreadable'
  | 'metadata'
  | 'absent'
  | 'skipped'
  | 'other-device'
  | 'renamed'
  | 'unknown';

export interface Message {
  readonly kind: MessageKind;
  /** Relative to the root. */
  readonly path: string;
  /** In tar's words. */
  readonly text: string;
}

const NAMED = /^(?:\S*\/)?tar: "([^"\\]*(?:\\.[^"\\]*)*)": (.*)$/;

const MEANINGS: readonly (readonly [RegExp, MessageKind])[] = [
  [/^file changed as we read it$/, 'changed'],
  [/^[Ff]ile removed before we read it$/, 'changed'],
  [/^[Dd]irectory removed before we read it$/, 'changed'],
  [/^File shrank by /, 'changed'],
  [/(?:socket|door) ignored$/, 'skipped'],
  [/^(?:file|directory) is on a different filesystem; not dumped$/, 'other-device'],
  [/^Directory has been renamed/, 'renamed'],
  [/^Directory is new$/, 'skipped'],
  [/^Not found in archive$/, 'absent'],
  [/^(?:Warning: )?Cannot (?:\S*xattr|acl_|\S*filecon)/, 'metadata'],
  [/^(?:Warning: )?Cannot /, 'unreadable'],
  [/^(?:Warning: )?Read error at byte /, 'unreadable'],
  [/^Unknown file type; file ignored$/, 'unreadable'],
];

/** Understands a line of tar's stderr; undefined where it says nothing about a file (the closing remark). */
export function parseMessage(line: string): Message | undefined {
  const [, quoted, text = ''] = NAMED.exec(line) ?? [];
  if (quoted === undefined) {
    const closing = /tar: (?:Exiting with failure status|Error is not recoverable)/.test(line) || line.trim() === '';
    return closing ? undefined : { kind: 'unknown', path: '', text: line };
  }
  const kind = MEANINGS.find(([pattern]) => pattern.test(text))?.[1] ?? 'unknown';
  return { kind, path: textOf(unquote(quoted)).replace(/\/$/, ''), text };
}
