/** What a manifest's `position` says of a Redis backup: by which method, from when, and under which names it is restored. */
import { z } from 'zod';
import type { Manifest } from '../../../model/manifest.ts';

const time = z.iso.datetime({ offset: false });

export const METHODS = ['stream', 'save', 'aof'] as const;
export type Method = (typeof METHODS)[number];

const aofFile = z.looseObject({
  /** Name of the artifact, without `.zst.age`. */
  artifact: z.string(),
  /** Name in the append-only folder. */
  name: z.string().regex(/^[^/]+$/),
  type: z.enum(['base', 'incr']),
  bytes: z.int().nonnegative(),
});
export type AofFile = z.infer<typeof aofFile>;

export const position = z.looseObject({
  method: z.enum(METHODS),
  /** In words. */
  why: z.string(),
  /** Of the server's run; another one is another start of it. */
  runId: z.string(),
  replicationId: z.string(),
  offset: z.number(),
  /**
   * By the server's clock. With `every`, each whole second between can be restored to; without, the data are those of
   * one instant that lies between.
   */
  times: z.object({ from: time, to: time, every: z.boolean() }),
  /** Whether the server loads its append-only files, and no dump, when it starts. */
  appendonly: z.boolean(),
  names: z.object({
    dbfilename: z.string().regex(/^[^/]+$/),
    appenddirname: z.string().regex(/^[^/]+$/),
    appendfilename: z.string().regex(/^[^/]+$/),
    /** False: Redis' defaults were taken, since the server could not be asked. */
    known: z.boolean(),
  }),
  /** The RDB inside the artifact, which may be longer: see stream.ts. */
  rdbBytes: z.int().positive().optional(),
  files: z.array(aofFile).optional(),
});
export type Position = z.infer<typeof position>;

export function positionOf({ position: found }: Pick<Manifest, 'position'>): Position {
  return position.parse(found);
}

/** Milliseconds since the epoch as RFC 3339. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
