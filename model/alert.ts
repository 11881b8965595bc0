/** Alerts: what a notifier tells somebody. */

/** Every kind of alert, for `notify[].on`. */
export const ALERTS = [
  'logs-stalled',
  'logs-hole',
  'logs-missing',
  'logs-conflict',
  'logs-stray',
  'slot-lost',
  'slot-behind',
  'server-space',
  'little-space',
  'copies-behind',
  'thaw-late',
  'temporal-unreachable',
  'schedule-missing',
  'schedule-paused',
  'schedule-skipping',
  'worker-missing',
  'backup-overdue',
  'backup-future',
  'drill-stale',
  'work-unfinished',
  'config-unreadable',
  'watchdog-blind',
  'thaw-failed',
  'step-waiting',
  'run-partial',
  'restore-test-failed',
  'restore-test-partial',
  'proof-stale',
  'run-failed',
  'drill-waiting',
  'drill-failed',
  'drill-objective-missed',
  'drill-left',
] as const;
export type AlertName = (typeof ALERTS)[number];

export const ALERT_SCHEMA = 'mosaic-backup/alert@1';

/** What is wrong, as it is found. */
export interface Condition {
  readonly alert: AlertName;
  /** Tells it from every other; the same for as long as it lasts. */
  readonly key: string;
  /** Null where it is of a host. */
  readonly source: string | null;
  readonly host: string;
  /** What happened, and what it means. */
  readonly message: string;
  readonly remedy: string;
  /** It happened once, and is told once; else it lasts until it is found no more. */
  readonly once: boolean;
}

/** The JSON that a webhook is posted, and that a command reads. Never a secret. */
export interface Alert extends Omit<Condition, 'key' | 'once'> {
  readonly schema: typeof ALERT_SCHEMA;
  readonly state: 'raised' | 'resolved';
  readonly site: string;
  readonly run: string;
  /** RFC 3339: when it was first found, and now. */
  readonly since: string;
  readonly time: string;
}
