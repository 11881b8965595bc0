/** Evidence: what a check found about one copy of one backup, signed. "Verified" and "proven" are read from it. */
import { z } from 'zod';
import { signature } from './manifest.ts';
import { pinnedReference } from './reference.ts';

export const EVIDENCE_SCHEMA = 'mosaic-backup/evidence@1';

/** What a restore took, in milliseconds, and gave, in bytes before compression. */
export const measured = z.looseObject({
  /** From the first byte that was fetched until all of it was restored. */
  restore: z.number(),
  check: z.number(),
  bytes: z.number(),
});
export type Measured = z.infer<typeof measured>;

/**
 * What a restore was found to hold, for later proofs of the same backup to compare with. Nothing of it can be read: names and digests are
 * sealed with the backup's own key, since evidence lies in the open, where a short row or the name of a table could be guessed.
 */
export const recordedContents = z.looseObject({
  /** How the digests were made, and of which moment: those of another way compare with nothing. */
  way: z.string(),
  /** By the sealed name of what is compared by itself (a table, …); null where it could not be read. */
  parts: z.record(z.string(), z.string().nullable()),
  /** Whether there may have been parts whose names could not be told: then one more, later, is no difference. */
  partial: z.boolean().exactOptional(),
});
export type RecordedContents = z.infer<typeof recordedContents>;

export const evidence = z.looseObject({
  schema: z.literal(EVIDENCE_SCHEMA),
  site: z.string(),
  backup: pinnedReference,
  /** Name of the destination whose copy was checked; null is the repository. */
  destination: z.string().nullable(),
  what: z.enum(['verify', 'test', 'drill']),
  time: z.iso.datetime({ offset: false }),
  /** What was checked, and each result in words. `compared: false` says that it was not looked at. */
  checks: z.array(
    z.looseObject({
      name: z.string(),
      compared: z.boolean(),
      ok: z.boolean(),
      detail: z.string(),
      /** Of the check `contents`: of all that it found. */
      digest: z.string().exactOptional(),
      /** Of the same, where it tells parts from each other. */
      contents: recordedContents.exactOptional(),
    }),
  ),
  /** Only of a restore. */
  measured: measured.exactOptional(),
  verdict: z.enum(['ok', 'failed']),
  signature,
});
export type Evidence = z.infer<typeof evidence>;
export type Check = Evidence['checks'][number];

/** What lists and retention go by. The checks in words are most of a record, and a hundred thousand of them are held at once. */
export interface Verified extends Pick<Evidence, 'backup' | 'destination' | 'what' | 'time' | 'verdict'> {
  /** Of a restore: the digest of the contents that it found, where its type has one. */
  readonly contents?: string;
}

/** The name of the check that carries that digest. */
export const CONTENTS = 'contents';

export const unsignedEvidence = evidence.omit({ signature: true });
export type UnsignedEvidence = z.infer<typeof unsignedEvidence>;
