/**
 * Restores a recovery point to a folder, each source below its name. A source whose copy is damaged or away comes from the next place. Cut off, the same
 * command goes on with what is lacking: each source gets its folder by one rename, when all of it is right.
 */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { pinnedReference } from '../../../model/reference.ts';
import { requireSpace } from '../../storage/space.ts';
import type { Site } from '../../site.ts';
import { ifThere, translated } from '../../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../../storage/memory-file.ts';
import type { Work } from '../../work.ts';
import { restoreBackup } from '../restore.ts';
import type { PointPlan, PointStep } from './plan.ts';

export interface RestorePointRequest {
  readonly site: Site;
  readonly plan: PointPlan;
  /** An absolute path: new, empty, or where the same restore was cut off. */
  readonly to: string;
  /** The work on one source. */
  readonly work: (source: string) => Promise<Work>;
  /** So many sources at a time. */
  readonly beside: number;
}

/** How a source fared. */
export interface RestoredSource {
  readonly source: string;
  readonly reference: string;
  readonly to: string;
  /** The place it came from; null where it was there already, or failed. */
  readonly from: string | null;
  /** It had been restored before this one was cut off. */
  readonly existed: boolean;
  readonly milliseconds: number;
  /** Places whose copy did not do, and why. */
  readonly passed: readonly string[];
  /** Null where it is restored. */
  readonly error: BackupError | null;
}

/** What a restore leaves in its folder, so that the next one goes on. */
const RECORD = '.mosaic-restore.json';
const record = z.object({ point: z.string(), created: z.string(), begun: z.record(z.string(), pinnedReference) });
type Record = z.infer<typeof record>;

/** @throws BackupError `not-empty`, `no-space`; what fails of one source is in its result. */
export async function restorePoint(request: RestorePointRequest): Promise<readonly RestoredSource[]> {
  const { plan, to, beside } = request;
  if (!path.isAbsolute(to)) throw new BackupError('usage', `the target ${to} is not an absolute path`);
  const before = await recordIn(to, plan);
  const begun: { [source: string]: Record['begun'][string] } = { ...before?.begun };
  await translated(to, 'making the target', () => mkdir(to, { recursive: true }));
  const lacking = plan.steps.filter(({ source, backup }) => begun[source]?.sha256 !== backup.sha256);
  await requireSpace({ path: to, needed: lacking.reduce((sum, { bytes }) => sum + bytes, 0) });

  const slots = new Set<Promise<unknown>>();
  const ended = new Map<string, Promise<RestoredSource>>();
  for (const { source } of plan.steps) ended.set(source, started(source));
  // Cancelled, or a bug: nobody is left at work in the folder.
  const all = await Promise.allSettled(ended.values());
  const broken = all.find((one) => one.status === 'rejected');
  if (broken) throw broken.reason;
  return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));

  /** Once those before it have ended, however they did: what of it can be had is wanted all the same. */
  async function started(source: string): Promise<RestoredSource> {
    // Every source has its promise by then.
    await Promise.resolve();
    const step = plan.steps.find((one) => one.source === source);
    if (!step) throw new TypeError(`no step of ${source}`);
    await Promise.all(step.after.flatMap((other) => ended.get(other) ?? []));
    while (slots.size >= beside) await Promise.race(slots);
    const running = restoreSource(step);
    const slot = running.then(
      () => undefined,
      () => undefined,
    );
    slots.add(slot);
    void slot.then(() => slots.delete(slot));
    return running;
  }

  async function restoreSource(step: PointStep): Promise<RestoredSource> {
    const { source, backup } = step;
    const target = path.join(to, source);
    const of = { source, reference: backup.reference, to: target } as const;
    const known = begun[source]?.sha256 === backup.sha256;
    if (known && (await isThere(target)))
      return { ...of, from: null, existed: true, milliseconds: 0, passed: [], error: null };
    begun[source] = backup;
    await writeMemoryFile(path.join(to, RECORD), { point: plan.point.id, created: plan.point.created, begun });
    return { ...of, ...(await fromAnyPlace(request, step, target)) };
  }
}

type FromPlace = Pick<RestoredSource, 'from' | 'existed' | 'milliseconds' | 'passed' | 'error'>;

async function fromAnyPlace(
  { site, work: workOn }: RestorePointRequest,
  { source, places }: PointStep,
  to: string,
): Promise<FromPlace> {
  const work = await workOn(source);
  const started = Date.now();
  const passed: string[] = [];
  let last: BackupError | null = null;
  for (const { name, store, chain } of places) {
    try {
      await restoreBackup({ site, store, chain, to, paths: [], work });
      return { from: name, existed: false, milliseconds: Date.now() - started, passed, error: null };
    } catch (error) {
      if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
      last = error;
      if (!OF_THE_COPY.has(error.code)) break;
      passed.push(`${name}: ${error.message}`);
    }
  }
  return { from: null, existed: false, milliseconds: Date.now() - started, passed, error: last };
}

/** Codes that speak against a copy or its place: another one may do. */
const OF_THE_COPY: ReadonlySet<string> = new Set([
  'verification-failed',
  'not-authentic',
  'not-found',
  'unreachable',
  'access-denied',
  'frozen',
  'program-failed',
]);

/** What an earlier restore of the same point has left; undefined where the folder is new or empty. @throws BackupError `not-empty`. */
async function recordIn(to: string, { point }: PointPlan): Promise<Record | undefined> {
  const entries = await translated(to, 'looking at the target', () => ifThere(readdir(to)));
  if (entries === undefined || entries.length === 0) return undefined;
  const known = entries.includes(RECORD) ? await readMemoryFile(path.join(to, RECORD), record) : undefined;
  if (known?.point === point.id && known.created === point.created) return known;
  throw new BackupError(
    'not-empty',
    known === undefined
      ? `${to} is not empty: it has ${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ', …' : ''}. Nothing was changed.`
      : `${to} holds a restore of ${known.point}, and not of this ${point.id}. Nothing was changed.`,
    { remedy: 'Choose a new or empty folder.', facts: { path: to } },
  );
}

async function isThere(folder: string): Promise<boolean> {
  return ((await ifThere(readdir(folder))) ?? []).length > 0;
}
