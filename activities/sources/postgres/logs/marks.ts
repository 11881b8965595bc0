/**
 * Segments that were closed and have not come yet, in state: by them it is known until when WAL covers that archive_command
 * brings, in its own time. Lost, only what is closed from then on is known.
 */
import path from 'node:path';
import { z } from 'zod';
import { readMemoryFile, writeMemoryFile } from '../../../storage/memory-file.ts';
import type { Closed } from './close-segment.ts';

const mark = z.looseObject({
  systemId: z.string(),
  /** Name of the segment that was closed. */
  segment: z.string(),
  at: z.string(),
  end: z.string(),
  restorePoint: z.string(),
});
const record = z.looseObject({ marks: z.array(mark) });

export interface Mark extends Closed {
  readonly systemId: string;
  readonly segment: string;
}

/** More of them would only be there if nothing came for hours. */
const KEPT = 500;

/** Those of one cluster on one timeline: what another timeline closed need not be in the history of this one. */
export async function readMarks(state: string, newest: Pick<Mark, 'systemId' | 'segment'>): Promise<readonly Mark[]> {
  const found = (await readMemoryFile(fileOf(state), record))?.marks ?? [];
  return found.filter(
    ({ systemId, segment }) =>
      systemId === newest.systemId && segment.slice(0, 8) === newest.segment.slice(0, 8) && segment <= newest.segment,
  );
}

export function writeMarks(state: string, marks: readonly Mark[]): Promise<void> {
  return writeMemoryFile(fileOf(state), { marks: marks.slice(-KEPT) });
}

function fileOf(state: string): string {
  return path.join(state, 'spool-marks.json');
}
