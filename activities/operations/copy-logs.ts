/**
 * Copies of all backups of logs that a destination lacks: what lies below `logs/<source>` at both sides is listed and
 * compared, and only the manifests of what is lacking are read.
 */
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { LogsCopies } from '../../model/logs-run.ts';
import type { Manifest } from '../../model/manifest.ts';
import { MANIFEST } from '../../model/paths.ts';
import type { StepError } from '../../model/run.ts';
import type { Site } from '../site.ts';
import { inOrder } from '../sources/logs-order.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import { localLogsDays } from '../storage/local-logs.ts';
import { openDestination } from '../storage/destinations.ts';
import { parseManifest } from '../storage/manifest-file.ts';
import { inParallel } from '../storage/parallel.ts';
import { openRepository } from '../storage/repository.ts';
import type { Destination, LocalStore, Store } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { bounded } from './bounded.ts';
import { readCopiedDays, writeCopiedDays } from './copied-days.ts';
import { copyBackup } from './copy.ts';
import { isAbsence } from './plan-run.ts';
import { stepFailure } from './step-failure.ts';

export interface CopyLogsRequest {
  readonly site: Site;
  readonly source: string;
  readonly destination: string;
  /** Milliseconds for all of it; what is left then is the next tick's. */
  readonly limit: number;
  /** Milliseconds since the epoch; the clock's when absent. */
  readonly now?: number;
  readonly work: Work;
}

export interface CopiedLogs extends LogsCopies {
  /** Backups that it still lacks. */
  readonly owed: number;
  readonly errors: readonly StepError[];
}

/** Manifests read at once. */
const PARALLEL = 16;

/**
 * Copies what is lacking, until the limit. Logs without a hole between them are a run: the newest run comes first,
 * since what is restored is most likely the newest, and each in the order of its positions, so that what is at the
 * destination has no hole of its own.
 * @throws BackupError when neither side can be listed, or the limit passes before that.
 */
export async function copyLogs(request: CopyLogsRequest): Promise<CopiedLogs> {
  const { site, source, destination, limit, work } = request;
  const began = Date.now();
  const now = request.now ?? began;
  const from = await openRepository(site);
  const to = openDestination(destination, site);
  const progress = { backups: 0, bytes: 0 };
  const failures: StepError[] = [];
  let owed: readonly Catalogued[] = [];
  let unreadable = 0;
  const step = `copy to ${destination}`;
  try {
    await bounded({ what: `the copying of logs to ${destination}`, limit, work }, async (work) => {
      const known = await readCopiedDays(request, now);
      const days = (await localLogsDays(from, source)).filter((day) => known === undefined || day >= known.before);
      const found = await lacking({ from, to, source, days, all: known === undefined });
      failures.push(...found.unreadable.map((error) => stepFailure(site, step, error)));
      unreadable = found.unreadable.length;
      owed = newestRunFirst(found.backups);
      for (const backup of owed) {
        const error = await copyOne({ site, from, to, backup, work });
        if (error === null) {
          progress.backups += 1;
          progress.bytes += backup.manifest.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
        } else {
          failures.push(stepFailure(site, step, error));
          // What is wrong with one backup says nothing of the others; a destination that is away is so for all.
          if (!isOfOne(error)) break;
        }
      }
      const [last] = days;
      if (last !== undefined && failures.length === 0)
        await writeCopiedDays(request, { before: last, compared: known?.compared ?? new Date(now).toISOString() });
    });
  } catch (error) {
    if (work.signal.aborted) throw error;
    // A removable disk that is absent is no failure: what it lacks is compared when it is back.
    if (!isAbsence(site, destination, error)) failures.push(stepFailure(site, step, error));
  }
  const milliseconds = Date.now() - began;
  return {
    destination,
    ...progress,
    milliseconds,
    owed: unreadable + owed.length - progress.backups,
    errors: failures,
  };
}

interface One {
  readonly site: Site;
  readonly from: LocalStore;
  readonly to: Destination;
  readonly backup: Catalogued;
  readonly work: Work;
}

async function copyOne(one: One): Promise<BackupError | null> {
  try {
    // Logs build on nothing: the catalogue that parents are looked for in is the backup itself.
    await copyBackup({ ...one, catalogue: [one.backup] });
    return null;
  } catch (error) {
    if (one.work.signal.aborted || !(error instanceof BackupError)) throw error;
    return error;
  }
}

function isOfOne({ code }: BackupError): boolean {
  return code === 'verification-failed' || code === 'not-authentic' || code === 'conflict' || code === 'not-found';
}

interface Lacking {
  readonly backups: readonly Catalogued[];
  /** Why others in the repository are none: they keep nothing else from its copy. */
  readonly unreadable: readonly BackupError[];
}

interface Comparison {
  readonly from: LocalStore;
  readonly to: Destination;
  readonly source: string;
  /** Only these are compared. */
  readonly days: readonly string[];
  /** They are all days: the other side is listed at once then. */
  readonly all: boolean;
}

/** Backups of logs in the repository whose manifest the destination lacks. */
async function lacking({ from, to, source, days, all }: Comparison): Promise<Lacking> {
  const folders = days.map((day) => `logs/${source}/${day}`);
  const [here, there] = await Promise.all([
    manifestKeys(from, folders),
    manifestKeys(to, all ? [`logs/${source}`] : folders),
  ]);
  const confirmed = new Set(there);
  const missing = here.filter((key) => !confirmed.has(key));
  const found = (await inParallel(missing, PARALLEL, (key) => catalogued(from, key))).filter(
    (each) => each !== undefined,
  );
  return {
    backups: found.flatMap((each) => (each instanceof BackupError ? [] : [each])),
    unreadable: found.flatMap((each) => (each instanceof BackupError ? [each] : [])),
  };
}

async function manifestKeys(store: Store, folders: readonly string[]): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const folder of folders) {
    for await (const { key } of store.list(folder, { named: MANIFEST })) keys.push(key);
  }
  return keys;
}

async function catalogued(from: LocalStore, key: string): Promise<Catalogued | BackupError | undefined> {
  const bytes = await from.readSmall(key);
  // Removed since it was listed.
  if (bytes === undefined) return undefined;
  const folder = path.posix.dirname(key);
  try {
    const manifest = parseManifest(bytes);
    return { name: { tier: null, source: manifest.source, id: manifest.id }, folder, manifest };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const { code, message } = error;
    return new BackupError(code, `${folder} in the repository cannot be read: ${message}`, {
      remedy: 'Move it away once you know what happened to it; times that it covered may be lost.',
      cause: error,
    });
  }
}

/** A run begins with the logs behind a hole. */
export function newestRunFirst(backups: readonly Catalogued[]): readonly Catalogued[] {
  const runs: Catalogued[][] = [];
  for (const backup of inOrder(backups)) {
    const run = runs.at(-1);
    if (run && !beginsRun(backup.manifest)) run.push(backup);
    else runs.push([backup]);
  }
  return runs.toReversed().flat();
}

function beginsRun({ warnings }: Manifest): boolean {
  return warnings.some(({ code }) => code === 'logs-gap');
}
