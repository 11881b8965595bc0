/** Thawing of copies that lie in cold storage: what is asked for, how far it is, and what it costs. Pure; small, and never a secret. */
import type { ThawConfig, ThawPrices, ThawSpeed, ThawTime, ThawTimes } from './config/destinations/thaw.ts';
import { speedsOf, THAW_SPEEDS } from './config/destinations/thaw.ts';
import { BackupError } from './errors.ts';
import type { PinnedReference } from './reference.ts';
import type { StepError } from './run.ts';
import type { RestoreTarget } from './target.ts';

/** What is to be readable: a backup with all that it builds on and, with a target, the logs that lead there. */
export interface ThawInput {
  readonly site: string;
  /** Who asks, and looks. */
  readonly host: string;
  readonly destination: string;
  readonly backup: PinnedReference;
  /** Key of the backup's folder. */
  readonly folder: string;
  readonly target: RestoreTarget | null;
  /** With a target: backups that were sealed later count for nothing (`orderOf`), so that each look chooses the same logs. */
  readonly asOf: number | null;
  readonly speed: ThawSpeed;
  readonly days: number;
}

/** Milliseconds. */
export interface ThawWaits {
  /** Between two looks. */
  readonly interval: number;
  /** Until when all of it should be readable; later than that is an alert. */
  readonly promised: number;
  readonly retryFirst: number;
  readonly retryMax: number;
  readonly heartbeat: number;
  readonly standstill: number;
}

/** What one look gets. */
export interface ThawStepInput extends ThawInput {
  readonly waits: ThawWaits;
}

export interface Amount {
  readonly objects: number;
  readonly bytes: number;
}

/** How things stand at one look. */
export interface ThawFacts {
  readonly all: Amount;
  readonly frozen: Amount;
  /** Asked for, and not there yet. */
  readonly thawing: Amount;
  readonly readable: Amount;
  /** Asked for by this look. */
  readonly asked: Amount;
  /** RFC 3339: when the first of what is readable freezes again; null where nothing does. */
  readonly until: string | null;
}

export interface ThawReport extends ThawInput {
  /** RFC 3339. */
  readonly started: string;
  /** RFC 3339: by when all of it should be there. */
  readonly promised: string;
  /** Null before the first look. */
  readonly facts: ThawFacts | null;
  /** Why the last look failed; the next one is made all the same. */
  readonly error: StepError | null;
  /** It takes longer than was promised. */
  readonly late: boolean;
  /** Null while it is waited for. Cancelled, failed: nobody waits; what was asked for comes all the same. */
  readonly outcome: 'complete' | 'cancelled' | 'failed' | null;
}

const NOTHING: Amount = { objects: 0, bytes: 0 };

export function plus({ objects, bytes }: Amount, more: number): Amount {
  return { objects: objects + 1, bytes: bytes + more };
}

export const NO_FACTS: ThawFacts = {
  all: NOTHING,
  frozen: NOTHING,
  thawing: NOTHING,
  readable: NOTHING,
  asked: NOTHING,
  until: null,
};

export function isThawed({ all, readable }: ThawFacts): boolean {
  return readable.objects === all.objects;
}

/** What tells a wait from every other. */
export interface ThawName extends Pick<ThawInput, 'site' | 'destination' | 'target'> {
  readonly backup: Pick<PinnedReference, 'reference'>;
}

/** One wait for each backup at each place; with a target another one. */
export function thawId({ site, destination, backup, target }: ThawName): string {
  const at = target === null ? '' : `/${targetText(target)}`;
  return `thaw/${site}/${destination}/${backup.reference}${at}`;
}

/** A target in a word. */
export function targetText(target: RestoreTarget): string {
  if (target.kind === 'time') return target.time;
  if (target.kind === 'name') return `name:${target.name}`;
  if (target.kind === 'end') return 'end';
  return target.kind === 'before' ? `before:${target.position}` : target.position;
}

/** The same as options of a command: ` --at end`; nothing without one. */
export function targetOptions(target: RestoreTarget | null): string {
  if (target === null) return '';
  return target.kind === 'before' ? ` --before ${target.position}` : ` --at ${targetText(target)}`;
}

/** @throws BackupError `usage` for a speed that the place does not have. */
export function requireTime(takes: ThawTimes, speed: ThawSpeed, destination: string): ThawTime {
  const time = takes[speed];
  if (time) return time;
  const known = speedsOf(takes).join(' or ');
  throw new BackupError('usage', `${destination} cannot be thawed with the speed ${speed}.`, {
    remedy: `Choose ${known} (--speed).`,
    facts: { destination, speed },
  });
}

/** A wait looks often enough to notice the end of what takes minutes. */
export function intervalOf({ interval }: Pick<ThawConfig, 'interval'>, { most }: ThawTime): number {
  return Math.min(interval, Math.round(most / 10));
}

export interface SpeedPreview extends ThawTime {
  readonly speed: ThawSpeed;
  /** Null where the config has no price of it. */
  readonly cost: Cost | null;
}

export interface Cost {
  readonly retrieval: number;
  readonly requests: number;
  /** Of what is readable for so many days. */
  readonly kept: number;
  readonly transfer: number;
  readonly total: number;
  readonly currency: string;
  /** The day of the prices. */
  readonly asOf: string;
}

/** What each speed would take and cost: what is asked for already is paid already, and all of it is fetched. */
export function previewOf(
  facts: ThawFacts,
  takes: ThawTimes,
  { prices, days }: { readonly prices: ThawPrices | undefined; readonly days: number },
): readonly SpeedPreview[] {
  return THAW_SPEEDS.flatMap((speed) => {
    const time = takes[speed];
    return time === undefined ? [] : [{ speed, ...time, cost: costOf(facts, speed, prices, days) }];
  });
}

const GIGABYTE = 2 ** 30;

function costOf(
  { all, frozen }: ThawFacts,
  speed: ThawSpeed,
  prices: ThawPrices | undefined,
  days: number,
): Cost | null {
  const price = prices?.speeds[speed];
  if (prices === undefined || price === undefined) return null;
  const gigabytes = frozen.bytes / GIGABYTE;
  const retrieval = gigabytes * price.perGigabyte;
  const requests = (frozen.objects / 1000) * price.perThousandRequests;
  const kept = gigabytes * prices.perGigabyteMonth * (days / 30);
  const transfer = (all.bytes / GIGABYTE) * prices.transferPerGigabyte;
  const { currency, asOf } = prices;
  return { retrieval, requests, kept, transfer, total: retrieval + requests + kept + transfer, currency, asOf };
}
