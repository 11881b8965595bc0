/** Fields of configs that say when a plan is due. */
import { z } from 'zod';
import { DAYS, WEEKDAYS } from '../timetable/calendar.ts';

export const clock = z
  .string({ error: 'not a time of day\nWrite hours and minutes in quotes, as in "02:30".' })
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'not a time of day\nWrite hours and minutes in quotes, as in "02:30".');

const NOT_DAYS =
  'not days\nWrite every day, a weekday (sunday), several ([monday, thursday]), or one of a month (first sunday).';
export const days = z.union([z.string().regex(DAYS, NOT_DAYS), z.array(z.enum(WEEKDAYS)).min(1, NOT_DAYS)], {
  error: NOT_DAYS,
});
