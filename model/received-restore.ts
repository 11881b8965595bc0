/** Restores, as those who receive them parse them. */
import { z } from 'zod';
import { milliseconds } from './received-fields.ts';
import { restoreTarget } from './received-thaw.ts';
import { pinnedReference } from './reference.ts';
import type { RestoreStepInput } from './restore-run.ts';
import { name } from './source.ts';

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
  seen: z.object({ uid: z.int(), boot: z.string(), folder: z.string(), inode: z.string() }).exactOptional(),
  once: z.boolean().exactOptional(),
  waits: z.object({
    deadline: milliseconds,
    retryFirst: milliseconds,
    retryMax: milliseconds,
    heartbeat: milliseconds,
    standstill: milliseconds,
  }),
  run: z.string().min(1),
}) satisfies z.ZodType<RestoreStepInput>;
