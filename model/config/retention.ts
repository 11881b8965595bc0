/** The `retention` of a config, and what a source says otherwise. Without a word it is the strategy's table. */
import { z } from 'zod';
import { period } from '../retention/period.ts';
import { isTimeZone } from '../retention/zone.ts';
import { duration } from '../units.ts';

export const timeZone = z
  .string()
  // Intl takes offsets for zones; Temporal, whose schedules are in this zone, knows names alone.
  .refine(
    (zone) => !/^[^A-Za-z]/.test(zone),
    'an offset is no time zone: Temporal knows none by it\nWrite its name, as in Europe/Berlin or UTC (+02:00 all year is Etc/GMT-2).',
  )
  .refine(isTimeZone, 'not a time zone\nWrite its name, as in Europe/Berlin or UTC.')
  .default('UTC')
  .describe('the zone of the calendar by which backups are kept');

const overdueAfter = duration.refine(
  (milliseconds) => milliseconds > 0,
  'nothing would ever be deleted\nWrite a time above zero, longer than what lies between two backups, as in 2d.',
);
const shrinkage = z.number().gt(0).max(1);

const KEPT = {
  daily: 'how long daily backups are kept, in the repository and at each destination that takes them',
  weekly: 'how long weekly backups are kept, in the repository and at each destination that takes them',
  monthly: 'how long monthly backups are kept, at destinations',
  yearly: 'how long yearly backups are kept, at archives',
  logs: 'the window for recovery to a point in time: logs are kept from the oldest backup in it',
  overdueAfter: 'a source whose newest backup is older keeps all that it has',
  shrinkage: 'a source whose full lost more than this share of the one before keeps all that it has; 1: never mind',
} as const;

export const siteRetention = z.strictObject({
  prune: z.boolean().default(true).describe('whether runs of plans delete what is due'),
  daily: period.prefault('7 days').describe(KEPT.daily),
  weekly: period.prefault('4 weeks').describe(KEPT.weekly),
  monthly: period.prefault('12 months').describe(KEPT.monthly),
  yearly: period.prefault('7 years').describe(KEPT.yearly),
  logs: period.prefault('4 weeks').describe(KEPT.logs),
  overdueAfter: overdueAfter.prefault('2d').describe(KEPT.overdueAfter),
  shrinkage: shrinkage.default(0.5).describe(KEPT.shrinkage),
});

/** What one source says otherwise. */
export const sourceRetention = z
  .strictObject({
    daily: period.optional().describe(KEPT.daily),
    weekly: period.optional().describe(KEPT.weekly),
    monthly: period.optional().describe(KEPT.monthly),
    yearly: period.optional().describe(KEPT.yearly),
    logs: period.optional().describe(KEPT.logs),
    overdueAfter: overdueAfter.optional().describe(KEPT.overdueAfter),
    shrinkage: shrinkage.optional().describe(KEPT.shrinkage),
  })
  .optional()
  .describe('what of the retention is otherwise for this source');

/** By which rules monthly and yearly backups are kept at a destination. */
export const RETENTION_CLASSES = ['remote', 'archive'] as const;
export type RetentionClass = (typeof RETENTION_CLASSES)[number];

export const retentionClass = z
  .enum(RETENTION_CLASSES)
  .optional()
  .describe(
    'archive: yearly backups go here; when absent, what takes monthly and yearly backups only, or stores cold, is one',
  );
