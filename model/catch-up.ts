/** Runs that deliver what destinations lack: what travels between client, workflow and activities. Small, and never a secret. */
import type { Outcome } from './recovery-point.ts';
import type { StepError } from './run.ts';

/** Waits of a tick, in milliseconds. */
export interface CatchUpWaits {
  /** How long a step waits for the worker of its host: the next tick comes soon. */
  readonly workerDeadline: number;
  /** The pause before the one further attempt of a step whose worker died. */
  readonly retryFirst: number;
  readonly heartbeat: number;
  readonly standstill: number;
}

/** What one host delivers to one destination: out of its own repository. */
export interface DeliveryStep {
  readonly destination: string;
  readonly host: string;
}

/** What the coordinator reads from the config at the start of a tick. */
export interface CatchUpSpec {
  readonly runId: string;
  readonly site: string;
  readonly plan: string;
  readonly scheduled: string;
  readonly steps: readonly DeliveryStep[];
  /** Milliseconds after which a step begins no further copy; one that is under way goes on. */
  readonly deadline: number;
  readonly waits: CatchUpWaits;
  /** Whether there is anybody to tell of alerts. */
  readonly notified: boolean;
}

export interface DeliveryInput {
  readonly site: string;
  readonly runId: string;
  readonly step: DeliveryStep;
  /** As in the spec; null: until nothing is owed. */
  readonly deadline: number | null;
  readonly waits: CatchUpWaits;
}

/** What a destination lacks of a host's repository. */
export interface Behind {
  /** Fulls and incrementals, and their stored bytes. */
  readonly backups: number;
  readonly bytes: number;
  /** RFC 3339: when the oldest of them was made; null where there are none. */
  readonly since: string | null;
  /** Recovery points, evidence and other small records. */
  readonly records: number;
}

export const NOTHING_OWED: Behind = { backups: 0, bytes: 0, since: null, records: 0 };

/**
 * `served`: nothing is owed. `behind`: something still is. `waiting`: until a window opens. `absent`: a removable disk
 * that is not there. `unreachable`: any other place that is not. `copying`: an earlier step is still at it.
 */
export const DELIVERY_STATES = ['served', 'behind', 'waiting', 'absent', 'unreachable', 'copying', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** How a destination stands after a step. */
export interface Delivered extends DeliveryStep {
  readonly state: DeliveryState;
  /** What this step did. */
  readonly copied: { readonly backups: number; readonly bytes: number; readonly records: number };
  readonly milliseconds: number;
  /** Null where it is not known. */
  readonly behind: Behind | null;
  /** RFC 3339: scheduled time of the newest backup that it holds, as far as is known. */
  readonly newest: string | null;
  readonly errors: readonly StepError[];
}

/** The id of the workflow of a step: of two at once there is one. */
export function deliveryId(site: string, { destination, host }: DeliveryStep): string {
  return `catch-up/${site}/${destination}/${host}`;
}

/** A tick is complete when no destination failed, and none is behind but those that may be. */
export function catchUpOutcome(delivered: readonly Delivered[]): Outcome {
  const late = delivered.filter(({ state }) => state === 'behind' || state === 'unreachable' || state === 'failed');
  if (delivered.length > 0 && late.every(({ state }) => state === 'failed') && late.length === delivered.length)
    return 'failed';
  return late.length === 0 && delivered.every(({ errors }) => errors.length === 0) ? 'complete' : 'partial';
}
