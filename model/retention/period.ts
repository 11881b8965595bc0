/** Periods by the calendar, as retention counts them: `7 days`, `4 weeks`, `12 months`, `7 years`. */
import { z } from 'zod';

export interface Period {
  readonly count: number;
  readonly unit: 'day' | 'week' | 'month' | 'year';
}

const PERIOD = /^(\d{1,5}) ?(?:(d|days?)|(w|weeks?)|(months?)|(y|years?))$/;
const UNITS = ['day', 'week', 'month', 'year'] as const;

/** Undefined for what is no period. */
export function parsePeriod(text: string): Period | undefined {
  const [, count, ...units] = PERIOD.exec(text) ?? [];
  const unit = UNITS[units.findIndex((each) => each !== undefined)];
  return unit === undefined || Number(count) === 0 ? undefined : { count: Number(count), unit };
}

/** `{ count: 7, unit: 'day' }` → `7 days`. */
export function formatPeriod({ count, unit }: Period): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** A period in a config. */
export const period = z.codec(
  z
    .string({ error: 'a period has a unit\nWrite a number and days, weeks, months or years, as in 4 weeks.' })
    .refine(
      (text) => parsePeriod(text) !== undefined,
      'not a period\nWrite a number above zero and days, weeks, months or years, as in 4 weeks.',
    ),
  z.custom<Period>(),
  // The text was looked at before it is decoded.
  { decode: (text): Period => parsePeriod(text) ?? { count: 1, unit: 'day' }, encode: formatPeriod },
);
