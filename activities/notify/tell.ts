/** Telling of alerts: each notifier once, and again while it lasts. A notifier that fails keeps none of the others. */
import { ALERT_SCHEMA, type Alert, type Condition } from '../../model/alert.ts';
import type { NotifierConfig } from '../../model/config/notify.ts';
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
  readonly work: Work;
}

export interface Told {
  readonly open: readonly Remembered[];
  readonly errors: readonly StepError[];
}

/** What happened once and reached nobody is tried for so long, in milliseconds. */
const GIVE_UP = 24 * 3_600_000;

/** Tells what is to be told. @returns what lasts, for the next time, and which notifiers failed. */
export async function tell(request: TellRequest): Promise<Told> {
  const { site, found, before, lookedFor, now } = request;
  const keys = new Set(found.map(({ key }) => key));
  const over = before.filter((one) => !one.once && !keys.has(one.key) && lookedFor(one));
  // Whom each was told to is noted in these copies.
  const open = structuredClone([
    ...before.filter((one) => !keys.has(one.key) && !over.includes(one)),
    ...found.map((condition) => remember(condition, before, now)),
  ]);
  const results = await Promise.all(
    site.config.notify.map((config, index) => tellOne(request, { config, index, open, over })),
  );
  const still = open.filter(
    (one) => !one.once || (!isToldToAll(one, site.config.notify) && now - Date.parse(one.since) < GIVE_UP),
  );
  return { open: still, errors: results.filter((error) => error !== undefined) };
}

interface One {
  readonly config: NotifierConfig;
  readonly index: number;
  readonly open: readonly Remembered[];
  readonly over: readonly Remembered[];
}

/** The first failure ends it: what is left is told the next time. */
async function tellOne(request: TellRequest, { config, index, open, over }: One): Promise<StepError | undefined> {
  const { site, now, remindAfter, work } = request;
  const name = `notify[${index}]`;
  const key = notifierKey(config);
  const notifier = makeNotifier({ name, config, readSecret: site.readSecret });
  try {
    for (const one of open.filter((one) => wants(config, one))) {
      const last = one.told[key];
      if (last !== undefined && (one.once || now - Date.parse(last) < remindAfter)) continue;
      await notifier.tell(alertOf(request, one, 'raised'), work);
      one.told[key] = new Date(now).toISOString();
    }
    for (const one of over.filter((one) => wants(config, one) && one.told[key] !== undefined))
      await notifier.tell(alertOf(request, one, 'resolved'), work);
    return undefined;
  } catch (error) {
    if (work.signal.aborted) throw error;
    const failure = stepFailure(site, name, error);
    work.log.warn({ notifier: name, type: config.type, code: failure.code }, 'a notifier failed');
    return failure;
  }
}

function remember(condition: Condition, before: readonly Remembered[], now: number): Remembered {
  const known = before.find(({ key }) => key === condition.key);
  return { ...condition, since: known?.since ?? new Date(now).toISOString(), told: known?.told ?? {} };
}

function wants({ on }: NotifierConfig, { alert }: Pick<Condition, 'alert'>): boolean {
  return on === undefined || on.includes(alert);
}

function isToldToAll(one: Remembered, notifiers: readonly NotifierConfig[]): boolean {
  return notifiers.every((config) => !wants(config, one) || one.told[notifierKey(config)] !== undefined);
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
