/**
 * Point-in-time recovery of a restored data folder: all WAL is fetched first, then a private server replays it up to
 * the target, leaves recovery, and is stopped. So an outage while WAL is fetched fails the restore, and can never
 * look like the end of WAL; and what the folder's own server starts from later is no recovery any more.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import type { Work } from '../../work.ts';
import type { BackupReader, Replay } from '../types.ts';
import type { Binaries } from './binaries.ts';
import { noteLastCommit } from '../recovered-note.ts';
import { inventoryOrWhy, requireSuperuser } from './isolated.ts';
import { lastCommitIn } from './last-commit.ts';
import { basePosition } from './incremental/position.ts';
import { logsPosition, type LogsPosition } from './logs/position.ts';
import { requireRestorePoint } from './logs/restore-points.ts';
import { historyName } from './logs/segments.ts';
import { commitsAfter } from './logs/waldump.ts';
import { notReached } from './not-reached.ts';
import { startIsolated } from './private-start.ts';

/** Inside the data folder, which alone the server's user is sure to reach; removed at the end. */
const FOLDER = 'mosaic-replay';

type Settings = Readonly<Record<string, string>>;

export interface ReplayRequest {
  /** The restored data folder. */
  readonly data: string;
  readonly base: BackupReader;
  /** Absent: the backup alone, which is recovered and given a timeline of its own. */
  readonly replay?: Replay | undefined;
  /** Numbers of timelines up to this one are taken, whether their logs are replayed or not. In place only. */
  readonly taken?: number | undefined;
  /** With `postgres` among them. */
  readonly binaries: Binaries;
  readonly work: Work;
}

/** @throws BackupError `verification-failed` when recovery cannot reach the target; `missing-program`. */
export async function replayLogs({ data, base, replay, taken, binaries, work }: ReplayRequest): Promise<void> {
  const folder = path.join(data, FOLDER);
  const wal = path.join(folder, 'wal');
  const runtime = path.join(folder, 'run');
  for (const each of [folder, wal, runtime]) await mkdir(each, { mode: 0o700 });
  for (const logs of replay?.logs ?? []) await fetch(logs, wal);
  const timeline = replay ? lastTimeline(replay.logs) : basePosition.parse(base.manifest.position).timeline;
  await markTaken(wal, timeline, taken ?? 0);
  const superuser = await superuserFor(data, base, work);
  const target = replay
    ? await recoveryTarget(replay, { base, wal, waldump: binaries, work })
    : { recovery_target: 'immediate' };
  await writeFile(path.join(data, 'recovery.signal'), '', { mode: 0o600 });
  const settings = { ...target, ...recoverySettings(wal, timeline) };
  const server = await startIsolated({ data, binaries, superuser, runtime, settings, work }).catch((error: unknown) => {
    throw replay ? notReached(error, base, replay) : error;
  });
  await server.stop();
  const lastCommit = await lastCommitIn(server.log);
  // In the place of production's own data no file of ours is left.
  if (lastCommit !== undefined && taken === undefined) await noteLastCommit(data, base.manifest, lastCommit);
  await rm(folder, { recursive: true });
}

/** A damaged list of what the backup holds keeps nobody from what it holds. */
async function superuserFor(data: string, base: BackupReader, work: Work): Promise<string> {
  const inventory = await inventoryOrWhy(base);
  const superuser = await requireSuperuser(data, inventory);
  if (inventory instanceof BackupError) {
    work.log.warn(
      { damaged: inventory.message, superuser },
      'the inventory cannot be read: what is restored is compared with nothing, and its superuser is read from its files',
    );
  }
  return superuser;
}

/** Extracts one backup of logs. Afterwards each segment that its manifest names must be there. */
async function fetch(logs: BackupReader, wal: string): Promise<void> {
  const args = ['--extract', '--file=-', `--directory=${wal}`, '--no-same-owner'];
  for (const { role, name } of logs.manifest.artifacts) {
    if (role === 'wal') await logs.into(role, name, { command: 'tar', args });
  }
  const there = new Set(await readdir(wal));
  const lacking = Object.keys(logsPosition.parse(logs.manifest.position).segments).filter((name) => !there.has(name));
  if (lacking.length === 0) return;
  throw new BackupError(
    'verification-failed',
    `Logs ${logs.manifest.id} lack what they say they hold: ${lacking.join(', ')}`,
    {
      remedy: 'Restore them from another copy.',
    },
  );
}

/**
 * PostgreSQL takes the first number behind its own of which it finds no history. Those of timelines that grew out of an
 * earlier restore are not among what is replayed: without a file for each it would give their number once more, and
 * write other WAL under names that are taken. Of these files it only looks whether they are there.
 */
async function markTaken(wal: string, timeline: number, taken: number): Promise<void> {
  for (let number = timeline + 1; number <= taken; number += 1) {
    await writeFile(path.join(wal, historyName(number)), '', { flag: 'a', mode: 0o600 });
  }
}

/** What a recovery to any target needs, with WAL from a folder. */
export function recoverySettings(wal: string, timeline: number): Readonly<Record<string, string>> {
  return {
    // Nobody is let in before it has left recovery; settings need not be as the primary's were then.
    hot_standby: 'off',
    recovery_target_action: 'promote',
    recovery_target_timeline: String(timeline),
    restore_command: restoreCommand(wal),
  };
}

/** 1 is "not there", which ends WAL; a failure to copy must not look like it, and above 125 PostgreSQL gives up. */
function restoreCommand(wal: string): string {
  const from = `'${wal.replaceAll("'", `'\\''`).replaceAll('%', '%%')}/%f'`;
  return `test -f ${from} || exit 1; cp ${from} "%p" || exit 200`;
}

interface Fetched {
  readonly base: BackupReader;
  /** Folder of all segments. */
  readonly wal: string;
  readonly waldump: Binaries;
  readonly work: Work;
}

async function recoveryTarget({ logs, target }: Replay, { base, wal, waldump, work }: Fetched): Promise<Settings> {
  const last = logs.at(-1);
  if (!last) throw new TypeError('a replay without logs');
  if (target.kind === 'name') {
    const manifests = logs.map(({ manifest }) => manifest);
    const end = printedEnd(logsPosition.parse(last.manifest.position));
    await requireRestorePoint(target.name, { wal, waldump, base: base.manifest, logs: manifests, end, work });
    return { recovery_target_name: target.name };
  }
  if (target.kind === 'position') return { recovery_target_lsn: target.position };
  if (target.kind === 'before') {
    throw new BackupError(
      'usage',
      '"before" is for GTIDs; PostgreSQL has positions (LSN), times and named restore points.',
    );
  }
  const end = endOf(logsPosition.parse(last.manifest.position));
  if (target.kind === 'end') return end.settings;
  // Where nothing was committed after the time, PostgreSQL would wait for a commit that never comes, and fail.
  const beyond = await commitsAfter({
    wal,
    waldump,
    logs: sinceKnown(logs.map(({ manifest }) => manifest)),
    end: end.printed,
    time: target.time,
    work,
  });
  // When its settings are read PostgreSQL does not know the abbreviation "Z" yet.
  return beyond ? { recovery_target_time: target.time.replace(/Z$/, '+00') } : end.settings;
}

/**
 * The last logs, from the newest before them on that says until when it covers: it may itself hold what was committed
 * between that look at the clock and its end, and those that say nothing may hold anything.
 */
function sinceKnown(logs: readonly Manifest[]): readonly Manifest[] {
  const known = logs.slice(0, -1).findLastIndex(({ coversUntil }) => coversUntil);
  return logs.slice(Math.max(0, known));
}

/** Where the logs end: their restore point, or the last record of a tail. Printed: as pg_waldump does. */
function endOf({ restorePoint, tail }: LogsPosition): { readonly settings: Settings; readonly printed: string } {
  if (tail !== undefined) return { settings: { recovery_target_lsn: tail }, printed: `lsn: ${tail},` };
  if (restorePoint !== null)
    return { settings: { recovery_target_name: restorePoint }, printed: `RESTORE_POINT ${restorePoint}` };
  throw new BackupError('verification-failed', 'The last logs hold no restore point to stop at.', {
    remedy: 'Choose an earlier time, or a position (LSN).',
  });
}

/** Null where the last logs end nowhere that is known: those that came without anybody having closed them. */
function printedEnd(position: LogsPosition): string | null {
  return position.tail === undefined && position.restorePoint === null ? null : endOf(position).printed;
}

function lastTimeline(logs: readonly BackupReader[]): number {
  return Math.max(...logs.map(({ manifest }) => logsPosition.parse(manifest.position).timeline));
}
