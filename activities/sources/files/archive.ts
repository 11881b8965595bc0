/** One run of tar, with all that goes beside it. */
import { lstat } from 'node:fs/promises';
import type { FilesSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { CaptureContext } from '../types.ts';
import { formatEntry, formatHeader, lineQueue } from './inventory.ts';
import { listingParser } from './listing.ts';
import { type Message, parseMessage } from './messages.ts';
import { bytesOf } from './names.ts';
import { patternsOf } from './patterns.ts';
import type { Selection } from './selection.ts';
import { findSnapshot, snapshotFile, type Snapshot } from './snapshot.ts';
import { createArchive } from './tar.ts';
import { unsettledEntries } from './unsettled.ts';
import { walk } from './walk.ts';

/** tar writes whole records of 20 blocks: less is no archive. */
const SMALLEST_ARCHIVE = 10_240;

/** Runs tar, the walk and the writer of the inventory at once; when one fails, all end. */
export async function archive(
  context: CaptureContext<FilesSource>,
  selection: Selection,
  since: string | null,
): Promise<readonly Message[]> {
  const messages: Message[] = [];
  const queue = lineQueue();
  const push = (lines: string): void => queue.push(lines);
  const { roots } = selection;
  push(formatHeader(context.source));
  const stop = new AbortController();
  const work = { ...context.work, signal: AbortSignal.any([context.work.signal, stop.signal]) };
  const inventory = context.artifacts.lines(queue, { role: 'inventory', name: 'inventory', minPlainBytes: 1 });
  const patterns = patternsOf(context.config.exclude);
  const parse = listingParser();
  const program = createArchive({
    roots,
    patterns,
    snapshot: snapshotFile(context.state, context.attempt),
    onListed: (line) => push(formatEntry(parse(line))),
    onMessage: (line) => {
      const message = parseMessage(line);
      if (message) messages.push(message);
    },
  });
  const archived = context.artifacts.stream(program, {
    role: 'base',
    name: 'base.tar',
    minPlainBytes: SMALLEST_ARCHIVE,
  });
  const walked =
    since === null ? undefined : walk({ roots, patterns, since, push, limits: context.config.limits ?? {}, work });

  async function finish(): Promise<void> {
    try {
      const [{ streamed }, folders] = await Promise.all([archived, walked]);
      requireUnderstood(streamed.ended[0], messages);
      const snapshot = await requireRecorded(context.state, context.attempt, roots);
      for (const entry of await unsettledEntries(messages, snapshot, folders)) push(formatEntry(entry));
      queue.end();
    } catch (error) {
      stop.abort();
      queue.end(error);
      throw error;
    }
  }
  // In this order the first cause comes first.
  const results = await Promise.allSettled([finish(), archived, walked, inventory]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return messages;
}

/** tar's exit 2 is accepted only where its messages say which files it could not read, and nothing else. */
function requireUnderstood(
  ended: { readonly code: number | null; readonly stderr: string } | undefined,
  messages: readonly Message[],
): void {
  const unknown = messages.filter(({ kind }) => kind === 'unknown');
  const explained = messages.some(({ kind }) => kind === 'unreadable' || kind === 'metadata');
  if (ended?.code !== 2 || (explained && unknown.length === 0)) return;
  throw new BackupError('program-failed', `tar failed: ${(unknown[0]?.text ?? ended.stderr.trim()).slice(0, 500)}`, {
    remedy: 'Look at what tar says, and at the disk.',
    facts: { program: 'tar', exit: 2 },
  });
}

/** Without a record of its folders, an incremental would replay no deletion (tar 1.34 makes none with `--wildcards`). */
async function requireRecorded(state: string, attempt: string, roots: readonly string[]): Promise<Snapshot> {
  const snapshot = await findSnapshot(state, attempt);
  const recorded = new Set(snapshot?.folders.map(({ name }) => name));
  for (const root of roots) {
    if (recorded.has(bytesOf(root)) || !(await lstat(`/${root}`)).isDirectory()) continue;
    throw new BackupError('program-failed', `tar recorded nothing of /${root}, so nothing could build on the backup`, {
      remedy: 'Look whether it can be read, and whether tar is GNU tar.',
      facts: { program: 'tar', path: `/${root}` },
    });
  }
  if (!snapshot) throw new BackupError('program-failed', 'tar wrote no snapshot file', { facts: { program: 'tar' } });
  return snapshot;
}
