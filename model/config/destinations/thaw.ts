/** What bringing back from cold storage takes and costs, by speed. Prices change, so they stand in the config, with their date. */
import { z } from 'zod';

/** In the words of Amazon; not every class has every one: DEEP_ARCHIVE has no `expedited`. */
export const THAW_SPEEDS = ['expedited', 'standard', 'bulk'] as const;
export type ThawSpeed = (typeof THAW_SPEEDS)[number];

const price = z.number().min(0).describe('in the currency of the prices');

const pricesOfSpeed = z.strictObject({
  perGigabyte: price,
  perThousandRequests: price.prefault(0),
});

export const thawPrices = z.strictObject({
  /** Shown beside every figure that is made of them. */
  asOf: z.iso.date().describe('the day on which they were looked up, as in 2026-11-26'),
  currency: z.string().min(1).prefault('USD'),
  speeds: z.partialRecord(z.enum(THAW_SPEEDS), pricesOfSpeed).describe('price of each speed'),
  transferPerGigabyte: price.prefault(0).describe('of what leaves the provider'),
});
export type ThawPrices = z.output<typeof thawPrices>;

/** How a destination of cold storage is thawed, unless the command says otherwise. */
export const thawConfig = z.strictObject({
  speed: z.enum(THAW_SPEEDS).prefault('standard'),
  days: z.int().min(1).max(365).prefault(7).describe('days that what was thawed stays readable'),
  prices: thawPrices.optional().describe("the provider's prices, for the preview; without them it shows sizes alone"),
});
export type ThawConfig = z.output<typeof thawConfig>;
