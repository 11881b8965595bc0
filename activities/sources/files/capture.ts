/** Capture: tar archives, and beside it the inventory is written. */
import { lstat, rm } from 'node:fs/promises';
import type { FilesSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { FileEntry } from '../../../model/inventory.ts';
import { programVersion } from '../../streams/versions.ts';
import type { CaptureContext, Captured } from '../types.ts';
import { formatEntry, formatHeader, lineQueue } from './inventory.ts';
import { decideKind } from './kind.ts';
import { writeLayout } from './layout.ts';
import { listingParser } from './listing.ts';
import { type Message, parseMessage } from './messages.ts';
import { readMounts } from './mounts.ts';
import { bufferOf, showPath, textOf } from './names.ts';
import { patternsOf } from './patterns.ts';
import { select, type Selection } from './selection.ts';
import { findSnapshot, prepareSnapshot, snapshotFile, sweepSnapshots, syncSnapshot } from './snapshot.ts';
import { createArchive } from './tar.ts';
import { type Folders, walk } from './walk.ts';
import { judge } from './warnings.ts';

/** tar writes whole records of 20 blocks: less is no archive. */
const SMALLEST_ARCHIVE = 10_240;

type Context = CaptureContext<FilesSource>;

/**
 * Archives the paths. Files that changed or could not be read are in the warnings, and the inventory marks them.
 * @throws BackupError `preflight-failed` when a mount came out empty, `program-failed` when tar failed as a whole.
 */
export async function capture(context: Context): Promise<Captured> {
  const { config, state, attempt } = context;
  const selection = await select(context.source, config, await readMounts());
  const decision = await decideKind(config, state, context.newestChain);
  const parent = context.kind === 'incremental' ? decision.snapshot : null;
  if (context.kind === 'incremental' && parent === null) {
    throw new BackupError('failed', `an incremental was to be made, but ${decision.unexpected ?? 'a full is due'}`);
  }
  await sweepSnapshots(state, parent === null ? [] : [parent]);
  try {
    const since = parent === null ? null : await prepareSnapshot(state, parent, attempt);
    const messages = await archive(context, selection, since);
    const { warnings, complete } = judge(messages, selection, config);
    await syncSnapshot(state, attempt);
    const early =
      decision.unexpected === null || context.kind === 'incremental' ? [] : [fullWarning(decision.unexpected)];
    return {
      consistency: 'fuzzy',
      engine: {
        tar: await programVersion('tar'),
        paths: config.paths,
        exclude: config.exclude,
        fileSystems: selection.fileSystems,
      },
      position: { snapshot: complete ? attempt : null },
      tools: { tar: await programVersion('tar'), find: await programVersion('find') },
      warnings: [...early, ...warnings],
      onSealed: async () => {
        await writeLayout(state, selection.fileSystems);
        await sweepSnapshots(state, complete ? [attempt] : []);
      },
    };
  } catch (error) {
    await rm(snapshotFile(state, attempt), { force: true });
    throw error;
  }
}

function fullWarning(reason: string) {
  return { code: 'files.full', message: `This is a full, though none was due: ${reason}.`, partial: false };
}

/** Runs tar, the walk and the writer of the inventory at once; when one fails, all end. */
async function archive(context: Context, selection: Selection, since: string | null): Promise<readonly Message[]> {
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
      await settle(context, push, messages, folders);
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

/** Marks in the inventory what nothing can be compared with: it changed while it was captured. */
async function settle(
  context: Context,
  push: (lines: string) => void,
  messages: readonly Message[],
  folders: Folders | undefined,
): Promise<void> {
  const changed = messages.filter(({ kind }) => kind === 'changed' || kind === 'unreadable');
  const paths = new Set(changed.map(({ path }) => path));
  if (folders) {
    const listed = new Map(
      (await findSnapshot(context.state, context.attempt))?.folders.map(({ name, mtime }) => [name, mtime]),
    );
    // tar's list of a folder and the walk's may differ where entries came or went between the two.
    for (const [name, mtime] of folders) if (listed.get(name) !== mtime) paths.add(textOf(name));
    for (const name of listed.keys()) if (!folders.has(name)) paths.add(textOf(name));
  }
  for (const path of paths) push(formatEntry(await unsettled(path)));
  if (paths.size > 0)
    context.work.log.debug(
      { source: context.source, paths: [...paths].slice(0, 10).map(showPath) },
      'changed during the capture',
    );
}

async function unsettled(path: string): Promise<FileEntry> {
  const nothing = {
    path,
    type: 'file',
    size: 0,
    mode: '0',
    uid: 0,
    gid: 0,
    mtime: '0.000000000',
    unsettled: true,
  } as const;
  try {
    const found = await lstat(bufferOf(`/${path}`));
    return { ...nothing, type: found.isDirectory() ? 'directory' : 'file', size: found.isFile() ? found.size : 0 };
  } catch {
    // It is gone, or cannot be looked at: that is what the mark says.
    return nothing;
  }
}
