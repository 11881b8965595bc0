/**
 * The parts of a config that cross-field checks look at, read leniently: a wrong field counts as absent, so
 * that one error does not hide the others.
 */
import { z } from 'zod';
import { THAW_SPEEDS } from './destinations/thaw.ts';
import { GROUPS, SOURCE_TYPES } from '../source.ts';
import { valueAt } from './problem.ts';
import { DEFAULT_STATE } from './site.ts';

const path = z.string().startsWith('/').optional().catch(undefined);
const text = z.string().optional().catch(undefined);
const texts = z.array(z.unknown()).catch([]);
const secretFile = z.object({ file: path }).optional().catch(undefined);

function entries<Value extends z.ZodType>(value: Value) {
  return z.record(z.string(), value).catch({});
}

const proof = z
  .object({
    host: text,
    primary: text,
    sources: texts.optional(),
    sandboxImages: entries(z.unknown()).optional(),
  })
  .optional()
  .catch(undefined);

const draft = z.object({
  site: text,
  repository: path,
  state: path.transform((state) => state ?? DEFAULT_STATE),
  coordinator: text,
  hosts: entries(z.object({ repository: path, state: path }).catch({})).optional(),
  temporal: z
    .object({ address: text, tls: z.unknown().optional(), apiKey: z.unknown().optional() })
    .catch({})
    .prefault({}),
  encryption: z.object({ recipients: texts.optional(), identity: secretFile }).catch({}),
  signing: z.object({ key: secretFile }).catch({}),
  sources: entries(
    z
      .object({
        type: z.enum(SOURCE_TYPES).optional().catch(undefined),
        group: z.enum(GROUPS).optional().catch(undefined),
        host: text,
        after: z.array(z.string()).optional().catch(undefined),
        paths: texts.optional(),
        exclude: texts.optional(),
        probes: texts.optional(),
        start: z.unknown().optional(),
        inPlace: z.object({ data: path }).optional().catch(undefined),
      })
      .catch({}),
  ),
  destinations: entries(
    z
      .object({
        path,
        type: text,
        manifests: text,
        removable: z.boolean().optional().catch(undefined),
        bucket: text,
        endpoint: text,
        region: text,
        vault: text,
        storageClass: text,
        thaw: z
          .object({ speed: z.enum(THAW_SPEEDS).optional().catch(undefined) })
          .optional()
          .catch(undefined),
        prefix: text,
        target: text,
        port: z.number().optional().catch(undefined),
        key: z.unknown().optional(),
      })
      .catch({}),
  ),
  plans: z
    .object({
      custom: entries(z.object({ sources: texts.optional() }).catch({})).prefault({}),
      restoreTest: proof,
      drill: proof,
    })
    .catch({ custom: {} }),
});
/** `hasSources`: whether `sources` is a mapping at all. */
export type Draft = z.output<typeof draft> & { readonly hasSources: boolean };

/** Never fails: what cannot be read is absent. */
export function draftOf(data: unknown): Draft {
  const sources = valueAt(data, ['sources']);
  const read = draft.safeParse(data);
  return {
    ...(read.success ? read.data : draft.parse({})),
    hasSources: typeof sources === 'object' && sources !== null,
  };
}
