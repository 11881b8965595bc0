/** What bringing back from cold storage takes and costs, by speed. Prices change, so they stand in the config, with their date. */
import { z } from 'zod';
import { duration } from '../../units.ts';

/** In the words of Amazon; not every class has every one: DEEP_ARCHIVE has no `expedited`. */
export const THAW_SPEEDS = ['expedited', 'standard', 'bulk'] as const;
export type ThawSpeed = (typeof THAW_SPEEDS)[number];

/** Milliseconds until what was asked for can be read, as the provider says it. */
export interface ThawTime {
  readonly least: number;
  readonly most: number;
}

/** The speeds that a place has, and what each takes. */
export type ThawTimes = Readonly<Partial<Record<ThawSpeed, ThawTime>>>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Of the class GLACIER, and of vaults (Amazon S3 User Guide, "Archive retrieval options"). */
export const GLACIER_TIMES = {
  expedited: { least: MINUTE, most: 5 * MINUTE },
  standard: { least: 3 * HOUR, most: 5 * HOUR },
  bulk: { least: 5 * HOUR, most: 12 * HOUR },
} as const satisfies ThawTimes;

/** Of the class DEEP_ARCHIVE (the same source): it promises the latest time alone. */
export const DEEP_ARCHIVE_TIMES = {
  standard: { least: 0, most: 12 * HOUR },
  bulk: { least: 0, most: 48 * HOUR },
} as const satisfies ThawTimes;

const price = z.number().min(0).describe('in the currency of the prices; a gigabyte is 2^30 bytes');

const pricesOfSpeed = z.strictObject({
  perGigabyte: price,
  perThousandRequests: price.prefault(0),
});

export const thawPrices = z.strictObject({
  /** Shown beside every figure that is made of them. */
  asOf: z.iso.date().describe('the day on which they were looked up, as in 2026-11-26'),
  currency: z.string().min(1).prefault('USD'),
  speeds: z.partialRecord(z.enum(THAW_SPEEDS), pricesOfSpeed).describe('price of each speed'),
  perGigabyteMonth: price.prefault(0).describe('of what is readable meanwhile, kept for 30 days'),
  transferPerGigabyte: price.prefault(0).describe('of what leaves the provider'),
});
export type ThawPrices = z.output<typeof thawPrices>;

/** How a destination of cold storage is thawed, unless the command says otherwise. */
export const thawConfig = z.strictObject({
  speed: z.enum(THAW_SPEEDS).prefault('standard'),
  days: z.int().min(1).max(365).prefault(7).describe('days that what was thawed stays readable'),
  interval: duration.prefault('15m').describe('how often a wait looks whether it is there'),
  prices: thawPrices.optional().describe("the provider's prices, for the preview; without them it shows sizes alone"),
});
export type ThawConfig = z.output<typeof thawConfig>;

/** The field of a destination that may be cold. */
export const thawField = {
  thaw: thawConfig.optional().describe('cold storage: how what lies frozen is brought back, and what that costs'),
};

/** Classes out of which nothing can be read before it has been asked for. */
export const FROZEN_CLASSES: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** What tells whether artifacts lie frozen at a destination, whatever its type. */
interface MaybeCold {
  readonly type: string;
  readonly storageClass?: string | undefined;
  readonly thaw?: unknown;
}

/** What thawing takes there. What a rule of a bucket freezes counts as DEEP_ARCHIVE, which takes longest. */
export function timesOf({ type, storageClass }: MaybeCold): ThawTimes {
  return type === 'glacier' || storageClass === 'GLACIER' ? GLACIER_TIMES : DEEP_ARCHIVE_TIMES;
}

export function speedsOf(takes: ThawTimes): readonly ThawSpeed[] {
  return THAW_SPEEDS.filter((speed) => takes[speed] !== undefined);
}

/** Whether artifacts lie frozen there: by their class, or by a rule of the bucket itself where `thaw` is set. */
export function freezes({ type, storageClass, thaw }: MaybeCold): boolean {
  return type === 'glacier' || FROZEN_CLASSES.has(storageClass ?? '') || thaw !== undefined;
}

/** Names of destinations, those first that can be read at once. */
export function readableFirst(destinations: Readonly<Record<string, MaybeCold>>): readonly string[] {
  const names = Object.entries(destinations).map(([name, config]) => ({ name, cold: freezes(config) }));
  return names.toSorted((one, two) => Number(one.cold) - Number(two.cold)).map(({ name }) => name);
}
