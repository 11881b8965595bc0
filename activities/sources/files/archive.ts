/** One run of tar, with all that goes beside it. */
import { lstat } from 'node:fs/promises';
import type { FilesSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { CaptureContext } from '../types.ts';
import { RECORD_BYTES } from '../tar-records.ts';
import { goneBetween } from './gone.ts';
import { formatEntry, formatGone, inventoryLines, lineQueue } from './inventory.ts';
import { listingParser } from './listing.ts';
import { type Message, parseMessage } from './messages.ts';
import { bytesOf } from './names.ts';
import { patternsOf } from './patterns.ts';
import type { Selection } from './selection.ts';
import { findSnapshot, snapshotFile, type Snapshot } from './snapshot.ts';
import { createArchive } from './tar.ts';
import { unsettledEntries } from './unsettled.ts';

/** What an incremental builds on. */
export interface Base {
  /** Tokens of the chain's backups, whose lists are in state. */
  readonly tokens: readonly string[];
  readonly snapshot: Snapshot;
}

/**
 * Runs tar, and beside it the writer of the inventory: when one fails, both end. What tar says of files is returned.
 * @throws BackupError `program-failed` when tar failed for another reason than files that it names.
 */
export async function archive(
  context: CaptureContext<FilesSource>,
  { roots }: Selection,
  base: Base | undefined,
): Promise<readonly Message[]> {
  const { source, config, state, attempt, artifacts } = context;
  const messages: Message[] = [];
  const queue = lineQueue();
  const parse = listingParser();
  const program = createArchive({
    roots,
    patterns: patternsOf(config.exclude),
    snapshot: snapshotFile(state, attempt),
    onListed: (line) => queue.push(formatEntry(parse(line))),
    onMessage: (line) => {
      const message = parseMessage(line);
      if (message) messages.push(message);
    },
  });
  // tar first: all else waits for it. It writes whole records, so less than one is no archive.
  const archived = artifacts.stream(program, { role: 'base', name: 'base.tar', minPlainBytes: RECORD_BYTES });
  const lines = inventoryLines({ source, state, parents: base?.tokens ?? [], token: attempt, own: queue });
  const inventory = artifacts.lines(lines, { role: 'inventory', name: 'inventory', minPlainBytes: 1 });

  async function finish(): Promise<void> {
    try {
      const { streamed } = await archived;
      requireUnderstood(streamed.ended[0], messages);
      const snapshot = await requireRecorded(state, attempt, roots);
      for (const path of base ? goneBetween(base.snapshot, snapshot) : []) queue.push(formatGone(path));
      for (const entry of await unsettledEntries(messages)) queue.push(formatEntry(entry));
      queue.end();
    } catch (error) {
      queue.end(error);
      throw error;
    }
  }
  // In this order the first cause comes first.
  const results = await Promise.allSettled([finish(), inventory]);
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
