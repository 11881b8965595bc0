/** Marks: what people have said of one backup, signed. A legal hold, its end, and that a full's size is right. */
import { z } from 'zod';
import { signature } from './manifest.ts';
import { pinnedReference } from './reference.ts';

export const MARK_SCHEMA = 'mosaic-backup/mark@1';

/** `hold` keeps a backup until `unhold`; `accept` says that a full which lost much is right. */
export const MARKS = ['hold', 'unhold', 'accept'] as const;
export type MarkKind = (typeof MARKS)[number];

export const mark = z.looseObject({
  schema: z.literal(MARK_SCHEMA),
  site: z.string(),
  backup: pinnedReference,
  what: z.enum(MARKS),
  reason: z.string().min(1),
  /** The host on which it was said. */
  host: z.string(),
  time: z.iso.datetime({ offset: false }),
  signature,
});
export type Mark = z.infer<typeof mark>;

export const unsignedMark = mark.omit({ signature: true });
export type UnsignedMark = z.infer<typeof unsignedMark>;

/** The holds that last, by digest of the backup: the last word on each counts, wherever it was found. */
export function holdsIn(marks: readonly Mark[]): ReadonlyMap<string, Mark> {
  const last = new Map<string, Mark>();
  for (const each of marks) {
    if (each.what === 'accept') continue;
    const known = last.get(each.backup.sha256);
    // Of the same moment the hold counts: to keep is what can be taken back.
    if (!known || known.time < each.time || (known.time === each.time && each.what === 'hold'))
      last.set(each.backup.sha256, each);
  }
  return new Map([...last].filter(([, { what }]) => what === 'hold'));
}

/** Digests of the fulls whose size was said to be right. */
export function acceptedIn(marks: readonly Mark[]): ReadonlySet<string> {
  return new Set(marks.filter(({ what }) => what === 'accept').map(({ backup }) => backup.sha256));
}
