/** References: how people and manifests name one backup. */
import { z } from 'zod';
import { backupId } from './paths.ts';
import { TIERS, type Kind, type Tier } from './source.ts';

/** The whole name of a backup: `daily/postgres/20261123T020000Z-full`; logs have no tier: `logs/<source>/<first>-<last>`. */
export interface BackupName {
  readonly tier: Tier | null;
  readonly source: string;
  readonly id: string;
}

export function formatReference({ tier, source, id }: BackupName): string {
  return `${tier ?? 'logs'}/${source}/${id}`;
}

/** The name in a whole reference; undefined where it is none, or shortened. */
export function parseReference(reference: string): BackupName | undefined {
  const [top, source, id, ...rest] = reference.split('/');
  if (!source || !id || rest.length > 0) return undefined;
  const tier = TIERS.find((each) => each === top);
  if (tier === undefined && top !== 'logs') return undefined;
  return { tier: tier ?? null, source, id };
}

/** Of the run that made a backup, as its id begins with it: of one source they sort by age. Empty where it is no reference. */
export function runTimeOf(reference: string): string {
  return parseReference(reference)?.id.split('-', 1)[0] ?? '';
}

/** A reference together with the digest of the manifest's signed form: what parents and recovery points store. */
export const pinnedReference = z.looseObject({
  reference: z.string().min(1),
  /** SHA-256, lowercase hex, of the manifest's signed form. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type PinnedReference = z.infer<typeof pinnedReference>;

/**
 * Which of `names` a reference means. It may be shortened from the left (`postgres/2026…-full`) or be the
 * beginning of an id; a whole match wins over a shortened one, so no backup is unreachable.
 */
export function matchReference<T extends BackupName>(reference: string, names: readonly T[]): readonly T[] {
  const whole = names.filter((name) => formatReference(name) === reference);
  if (whole.length > 0) return whole;
  const parts = reference.split('/');
  const id = parts.at(-1) ?? '';
  const before = parts.slice(0, -1);
  const fits = names.filter((name) => {
    const head = [name.tier ?? 'logs', name.source];
    return (
      before.length <= head.length && before.every((part, index) => part === head[head.length - before.length + index])
    );
  });
  const exact = fits.filter((name) => name.id === id);
  return exact.length > 0 ? exact : fits.filter((name) => id !== '' && name.id.startsWith(id));
}

/** The name of the backup that a run makes of a source. */
export function nameOf(tier: Tier, source: string, scheduled: string, kind: Kind): BackupName {
  return { tier, source, id: backupId(scheduled, kind) };
}
