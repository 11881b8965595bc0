/**
 * Restores a recovery point to a folder in this process, each source below its name. A source whose copy is damaged or away comes from the next place. Cut
 * off, the same command goes on with what is lacking.
 */
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { inOrder } from '../../../model/in-order.ts';
import type { RestorePointInput, PointSource } from '../../../model/restore-point-run.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';
import { placesOf, restoreFromPlaces } from '../restore-run.ts';
import { preparePointFolder } from './folder.ts';

export interface RestorePointRequest {
  readonly site: Site;
  readonly input: Omit<RestorePointInput, 'site' | 'host' | 'seen'>;
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

/** @throws BackupError `not-empty`, `no-space`; what fails of one source is in its result. */
export async function restorePoint({
  site,
  input,
  work: workOn,
  beside,
}: RestorePointRequest): Promise<readonly RestoredSource[]> {
  const { point: id, created, to, sources } = input;
  const existed = await preparePointFolder({ id, created, to, sources });
  return inOrder(sources, beside, restoreSource);

  async function restoreSource({ source, backup, places }: PointSource): Promise<RestoredSource> {
    const target = path.join(to, source);
    const of = { source, reference: backup.reference, to: target, from: null, milliseconds: 0, passed: [] } as const;
    if (existed.includes(source)) return { ...of, existed: true, error: null };
    const work = await workOn(source);
    const passed: string[] = [];
    const began = Date.now();
    try {
      const asked = { source, backup, ...placesOf(places), target: null, to: target, paths: [] };
      const tell = (why: string): void => void passed.push(why);
      const done = await restoreFromPlaces({ site, input: asked, work, tell });
      return { ...of, existed: false, milliseconds: done.milliseconds, from: done.from ?? null, passed, error: null };
    } catch (error) {
      if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
      return { ...of, existed: false, milliseconds: Date.now() - began, passed, error };
    }
  }
}
