/** Telling of alerts: each notifier once, and again while it lasts. A notifier that fails keeps none of the others. */
import { ALERT_SCHEMA, type Alert, type Condition } from '../../model/alert.ts';
import type { NotifierConfig } from '../../model/config/notify.ts';
import { BackupError } from '../../model/errors.ts';
import type { StepError } from '../../model/run.ts';
import { stepFailure } from '../operations/step-failure.ts';
import type { Site } from '../site.ts';
import type { Work } from '../work.ts';
import { makeNotifier } from './index.ts';
import { notifierKey, type Remembered } from './memory.ts';

export interface TellRequest {
  readonly site: Site;
  readonly run: string;
  /** What is wrong now. */
  readonly found: readonly Condition[];
  /** What was wrong before. */
  readonly before: readonly Remembered[];
  /** Whether a lasting one was looked for this time: one that was, and was not found, is over. */
  readonly lookedFor: (remembered: Remembered) => boolean;
  /** Milliseconds after which a lasting one is told again. */
  readonly remindAfter: number;
  readonly now: number;
  /** Remembers for the next time. */
  readonly note: (open: readonly Remembered[]) => Promise<void>;
  readonly work: Work;
}

export interface Told {
  readonly open: readonly Remembered[];
  readonly errors: readonly StepError[];
}

/** What happened once and did not reach everybody is tried for so long, in milliseconds: whoever is away for a weekend hears of it on Monday. */
const GIVE_UP = 7 * 24 * 3_600_000;

/**
 * Tells what is to be told. Killed in its middle, somebody is told twice rather than never.
 * @returns what lasts, and what is over without everybody having heard it, for the next time; and which notifiers failed.
 */
export async function tell(request: TellRequest): Promise<Told> {
  const { site, now } = request;
  const { notify } = site.config;
  // Whom each was told to is noted in these copies.
  const open = openNow(request);
  await noteBefore(request, open);
  const results = await Promise.all(notify.map((config, index) => tellOne(request, { config, index, open })));
  const still = open.filter((one) => {
    if (one.over !== undefined) return isOwedTheEnd(one, notify);
    return !one.once || (!isToldToAll(one, notify) && now - Date.parse(one.since) < GIVE_UP);
  });
  return { open: still, errors: results.filter((error) => error !== undefined) };
}

/** What was known, what is over marked so, and what is found. */
function openNow({ found, before, lookedFor, now }: TellRequest): Remembered[] {
  const keys = new Set(found.map(({ key }) => key));
  const open = structuredClone([
    ...before.filter((one) => !keys.has(one.key)),
    ...found.map((condition) => remember(condition, before, now)),
  ]);
  for (const one of open) {
    if (keys.has(one.key) || one.once || one.over !== undefined || !lookedFor(one)) continue;
    one.over = new Date(now).toISOString();
  }
  return open;
}

/**
 * Remembers who is about to hear of what, before he does: else nobody would know after a death to tell him that it is over.
 * Where nothing can be remembered, he is told all the same.
 */
async function noteBefore({ site, now, note, work }: TellRequest, open: readonly Remembered[]): Promise<void> {
  let anew = false;
  for (const one of open) {
    if (one.once || one.over !== undefined) continue;
    const keys = site.config.notify.filter((config) => wants(config, one)).map(notifierKey);
    const first = keys.filter((key) => one.told[key] === undefined && one.telling?.[key] === undefined);
    if (first.length === 0) continue;
    const time = new Date(now).toISOString();
    one.telling = { ...one.telling, ...Object.fromEntries(first.map((key) => [key, time])) };
    anew = true;
  }
  if (!anew) return;
  try {
    await note(open);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    work.log.warn({ code: error.code }, 'who is told of what could not be remembered before');
  }
}

interface One {
  readonly config: NotifierConfig;
  readonly index: number;
  readonly open: readonly Remembered[];
}

/**
 * What it refuses keeps nothing else from it: that is told the next time. Its patience is for all of them together, so that one that gives
 * no answer holds up nobody.
 */
async function tellOne(request: TellRequest, { config, index, open }: One): Promise<StepError | undefined> {
  const { site, now, work } = request;
  const name = `notify[${index}]`;
  const key = notifierKey(config);
  const notifier = makeNotifier({ name, config, readSecret: site.readSecret });
  const time = new Date(now).toISOString();
  let failure: StepError | undefined;
  let lost = 0;
  for (const { one, state } of owed(request, open, config)) {
    const began = Date.now();
    try {
      await notifier.tell(alertOf(request, one, state), work);
      if (state === 'raised') one.told[key] = time;
      else forget(one.told, key);
      forget(one.telling, key);
    } catch (error) {
      if (work.signal.aborted) throw error;
      failure ??= stepFailure(site, name, error);
      lost += Date.now() - began;
      if (lost >= config.timeout) break;
    }
  }
  if (failure === undefined) return undefined;
  // As far as anybody knows he has heard nothing of what is new.
  for (const { telling } of open) if (telling?.[key] === time) forget(telling, key);
  work.log.warn({ notifier: name, type: config.type, code: failure.code }, 'a notifier failed');
  return failure;
}

interface Owed {
  readonly one: Remembered;
  readonly state: Alert['state'];
}

/** What a notifier is to hear now: first what is wrong, then what is over. */
function owed({ now, remindAfter }: TellRequest, open: readonly Remembered[], config: NotifierConfig): readonly Owed[] {
  const key = notifierKey(config);
  const isDue = ({ once, told: { [key]: last } }: Remembered) =>
    last === undefined || (!once && now - Date.parse(last) >= remindAfter);
  const wanted = open.filter((one) => wants(config, one));
  return [
    ...wanted.filter((one) => one.over === undefined && isDue(one)).map((one) => ({ one, state: 'raised' as const })),
    ...wanted
      .filter((one) => one.over !== undefined && mayKnow(one, key))
      .map((one) => ({ one, state: 'resolved' as const })),
  ];
}

function remember(condition: Condition, before: readonly Remembered[], now: number): Remembered {
  const known = before.find(({ key }) => key === condition.key);
  // One that is back before everybody heard that it was over is another one; who has not heard it is told no second time.
  const since = known?.over === undefined ? known?.since : undefined;
  const telling = known?.telling === undefined ? {} : { telling: known.telling };
  return { ...condition, since: since ?? new Date(now).toISOString(), told: known?.told ?? {}, ...telling };
}

function wants({ on }: NotifierConfig, { alert }: Pick<Condition, 'alert'>): boolean {
  return on === undefined || on.includes(alert);
}

function isToldToAll(one: Remembered, notifiers: readonly NotifierConfig[]): boolean {
  return notifiers.every((config) => !wants(config, one) || one.told[notifierKey(config)] !== undefined);
}

/** Whether nobody is still to hear that it is so, or is over. */
export function isHeardByAll(one: Remembered, notifiers: readonly NotifierConfig[]): boolean {
  return one.over === undefined ? isToldToAll(one, notifiers) : !isOwedTheEnd(one, notifiers);
}

/** Whether it was told, or may have been. */
function mayKnow({ told, telling }: Remembered, key: string): boolean {
  return told[key] !== undefined || telling?.[key] !== undefined;
}

/** Whether somebody who was told of it has not heard that it is over. One that the config has no more hears nothing. */
function isOwedTheEnd(one: Remembered, notifiers: readonly NotifierConfig[]): boolean {
  return notifiers.some((config) => wants(config, one) && mayKnow(one, notifierKey(config)));
}

function forget(times: Record<string, string> | undefined, key: string): void {
  if (times !== undefined) Reflect.deleteProperty(times, key);
}

function alertOf({ site, run, now }: TellRequest, one: Remembered, state: Alert['state']): Alert {
  const { alert, source, host, message, remedy, since } = one;
  return {
    schema: ALERT_SCHEMA,
    alert,
    state,
    site: site.config.site,
    source,
    host,
    run,
    message: site.redact(message),
    remedy: site.redact(remedy),
    since,
    time: new Date(now).toISOString(),
  };
}
