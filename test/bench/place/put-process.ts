/** Starts the worker-like process of an upload. */
import { z } from 'zod';
import type { Stored } from '../../../activities/storage/types.ts';
import type { PlaceContext } from '../../activities/storage/destination-of.ts';
import { startChild, type Child } from '../../support/children.ts';

const MAIN = new URL('put-main.ts', import.meta.url);

export interface PutOrder {
  readonly context: PlaceContext;
  readonly key: string;
  readonly file: string;
  readonly stored: Stored;
  /** A file that is written for the small object. */
  readonly small: string;
}

const putReport = z.strictObject({
  /** From reading the file to the confirmation of the copy. */
  seconds: z.number().positive(),
  /** Bytes of its memory before, and at most. */
  base: z.number().positive(),
  peak: z.number().positive(),
});
export type PutReport = z.output<typeof putReport>;

/** Waits until it is ready. `endChildren` ends it. */
export async function startPutProcess(order: PutOrder): Promise<Child> {
  const child = startChild(MAIN, order);
  const line = await child.line();
  if (line !== 'ready') throw new Error(`the process of an upload began with "${line}"`);
  return child;
}

export async function putNow(child: Child): Promise<PutReport> {
  child.send('put');
  return putReport.parse(JSON.parse(await child.line()));
}
