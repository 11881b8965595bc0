/**
 * manifest.json: the commit point of a backup. Written once, last, and never changed but for `key`
 * when recipients rotate. Unknown fields are kept, so that an older program does not lose what a newer one wrote.
 */
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { exported } from './export.ts';
import { pinnedReference } from './reference.ts';
import { CONSISTENCIES, KINDS, SOURCE_TYPES, TIERS } from './source.ts';

export const MANIFEST_SCHEMA = 'mosaic-backup/manifest@1';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 digest is 64 lowercase hex digits');
const time = z.iso.datetime({ offset: false });

export const artifact = z.looseObject({
  /** What it is to its source type: `base`, `inventory`, `wal`, `tablespace`, `config`, … */
  role: z.string().min(1),
  /** File name beside the manifest. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'an artifact is a plain file name'),
  /** Size and SHA-256 of the stored (compressed, encrypted) file. */
  bytes: z.int().nonnegative(),
  sha256,
  /** Size before compression, as zstd counted it. */
  plainBytes: z.int().nonnegative(),
  /** Of the role `export` only: what it is an export of, and as of when. */
  export: exported.optional(),
});
export type Artifact = z.infer<typeof artifact>;

export const warning = z.looseObject({
  code: z.string().min(1),
  message: z.string(),
  /** True when what was captured lacks something, so that the run is `partial` rather than `complete`. */
  partial: z.boolean(),
  /** Files that it is about, at most the first hundred. */
  paths: z.array(z.string()).optional(),
});
export type Warning = z.infer<typeof warning>;

/** An Ed25519 signature over a signed form (RFC 8785 canonical JSON). */
export const signature = z.looseObject({
  keyId: z.string().min(1),
  /** base64 */
  ed25519: z.string().min(1),
});
export type Signature = z.infer<typeof signature>;

export const manifest = z.looseObject({
  schema: z.literal(MANIFEST_SCHEMA),
  id: z.string().min(1),
  site: z.string(),
  host: z.string(),
  run: z.string(),
  source: z.string(),
  type: z.enum(SOURCE_TYPES),
  kind: z.enum(KINDS),
  tier: z.enum(TIERS).nullable(),
  parent: pinnedReference.nullable(),
  copyOf: pinnedReference.nullable(),
  scheduled: time,
  started: time,
  finished: time,
  engine: z.record(z.string(), z.unknown()),
  /** Of logs, by the server's clock: all that was committed until then is in these or earlier ones. Null: not known. */
  coversUntil: time.nullable().optional(),
  /**
   * RFC 3339: only where the worker's clock was set back since another backup of the source was sealed. It is later than
   * that of all before it, and stands for `finished` wherever backups are put in order (`orderOf`).
   */
  order: time.optional(),
  consistency: z.enum(CONSISTENCIES),
  position: z.record(z.string(), z.unknown()).nullable(),
  artifacts: z.array(artifact),
  /** The backup's own age identity, encrypted to the site's recipients, armored. */
  key: z.string(),
  tools: z.record(z.string(), z.string()),
  warnings: z.array(warning),
  signature,
});
export type Manifest = z.infer<typeof manifest>;

/** Made by the schema: TypeScript's Omit on a type with unknown fields would lose the known ones. */
export const unsignedManifest = manifest.omit({ signature: true });
export type UnsignedManifest = z.infer<typeof unsignedManifest>;

/**
 * The form of a manifest that is signed and that references pin: canonical JSON (RFC 8785) without
 * `key` and `signature`, so that a rotation of recipients breaks no chain.
 */
export function signedForm(value: Readonly<Record<string, unknown>>): string {
  const { key: _key, signature: _signature, ...rest } = value;
  return canonical(rest);
}

/** Canonical JSON by RFC 8785. */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

type Ordered = Pick<UnsignedManifest, 'order' | 'finished'>;

/** The place of a backup among those of its source, in the order in which they were sealed: milliseconds since the epoch. */
export function orderOf({ order, finished }: Ordered): number {
  return Date.parse(order ?? finished);
}

/** What says that a backup is sealed behind others; nothing where the clock does. */
export function orderBehind(finished: string, before: readonly Ordered[]): { readonly order?: string } {
  const latest = Math.max(...before.map(orderOf));
  return latest < Date.parse(finished) || before.length === 0 ? {} : { order: new Date(latest + 1).toISOString() };
}

/** Sums over a backup's artifacts, in bytes. */
export function sizes(of: { readonly artifacts: readonly Artifact[] }): {
  readonly stored: number;
  readonly plain: number;
} {
  return {
    stored: of.artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
    plain: of.artifacts.reduce((sum, { plainBytes }) => sum + plainBytes, 0),
  };
}
