/** Restores, as those who receive them parse them. */
import { z } from 'zod';
import { milliseconds } from './received-fields.ts';
import { restoreTarget } from './received-thaw.ts';
import { pinnedReference } from './reference.ts';
import type { IntoStepInput } from './into-run.ts';
import type { FullBehindInput, InPlaceStepInput } from './in-place-run.ts';
import type { RestorePointRun } from './restore-point-run.ts';
import type { RestoreStepInput } from './restore-run.ts';
import { name } from './source.ts';

const waits = z.object({
  deadline: milliseconds,
  retryFirst: milliseconds,
  retryMax: milliseconds,
  heartbeat: milliseconds,
  standstill: milliseconds,
});
const seenTarget = z.object({
  uid: z.int(),
  boot: z.string(),
  folder: z.string(),
  inode: z.string(),
  config: z.string(),
});
const seen = seenTarget.exactOptional();

export const restoreStepInput = z.object({
  site: name,
  host: name,
  source: name,
  backup: pinnedReference,
  place: name.nullable(),
  others: z.array(name).exactOptional(),
  target: restoreTarget.nullable(),
  to: z.string().startsWith('/'),
  paths: z.array(z.string()),
  seen,
  once: z.boolean().exactOptional(),
  waits,
  run: z.string().min(1),
}) satisfies z.ZodType<RestoreStepInput>;

export const inPlaceStepInput = z.object({
  site: name,
  host: name,
  source: name,
  backup: pinnedReference,
  place: name.nullable(),
  target: restoreTarget.nullable(),
  data: z.string().startsWith('/'),
  acceptUnsaved: z.boolean(),
  last: z.string().nullable(),
  seen: seenTarget,
  waits,
  run: z.string().min(1),
  asked: z.string().min(1),
}) satisfies z.ZodType<InPlaceStepInput>;

const into = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('export'),
    database: z.string().min(1),
    tables: z.array(z.string().min(1)),
    owners: z.boolean(),
  }),
  z.object({ kind: z.literal('keys'), database: z.int().nonnegative(), pattern: z.string().min(1) }),
]);

export const intoStepInput = z.object({
  site: name,
  host: name,
  source: name,
  backup: pinnedReference,
  place: name.nullable(),
  what: into,
  into: z.record(z.string(), z.string()),
  passwordFile: z.string().startsWith('/').nullable(),
  replace: z.boolean(),
  seen,
  waits,
  run: z.string().min(1),
  asked: z.string().min(1).exactOptional(),
  again: z.boolean().exactOptional(),
}) satisfies z.ZodType<IntoStepInput>;

export const fullBehindInput = z.object({
  source: name,
  waits,
  scheduled: z.string().min(1),
  attempt: z.int().positive(),
}) satisfies z.ZodType<FullBehindInput>;

export const restorePointRun = z.object({
  site: name,
  host: name,
  point: z.string().min(1),
  created: z.string().min(1),
  to: z.string().startsWith('/'),
  sources: z.array(
    z.object({
      source: name,
      backup: pinnedReference,
      places: z.array(name),
      after: z.array(name),
      bytes: z.number().nonnegative(),
    }),
  ),
  seen,
  waits,
  beside: z.int().positive(),
  once: z.boolean().exactOptional(),
}) satisfies z.ZodType<RestorePointRun>;
