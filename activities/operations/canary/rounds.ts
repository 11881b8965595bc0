/** The canaries of all sources of a host: each in its own time, none waiting for another. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Canary } from '../../../model/config/canary.ts';
import { hostOf } from '../../../model/config/hosts.ts';
import { BackupError } from '../../../model/errors.ts';
import { messageOf } from '../../streams/errno.ts';
import type { Site } from '../../site.ts';
import type { Logger, Work } from '../../work.ts';
import { beatOnce, type Failing } from './beat.ts';
import { keepSecrets } from './kept-secrets.ts';

export interface Rounds {
  /** Reads the config anew: a canary that is added or taken away counts from the next round on. */
  readonly openSite: () => Promise<Site>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Milliseconds until the config is looked at again where nothing is due. */
const LOOK = 60_000;

interface BeatingSite {
  readonly site: Site;
  /** Has its secrets read anew. */
  readonly forget: () => void;
}

/** Goes on until the signal; what is just being written is waited for then. */
export async function keepBeating({ openSite, log, signal }: Rounds): Promise<void> {
  const work: Work = { signal, log, progress: () => undefined, standstill: Number.POSITIVE_INFINITY };
  const failing: Failing = new Map();
  /** By the clock that nobody sets: set back, no canary would be due for so long. */
  const due = new Map<string, number>();
  const writing = new Map<string, Promise<void>>();
  let beating: BeatingSite | undefined;
  while (!signal.aborted) {
    beating = await reread(openSite, log, beating);
    const canaries = beating ? canariesOf(beating.site) : new Map<string, Canary>();
    for (const source of due.keys()) if (!canaries.has(source)) due.delete(source);
    for (const [source, { every }] of canaries) {
      if (!beating || (due.get(source) ?? 0) > performance.now()) continue;
      due.set(source, performance.now() + every);
      if (!writing.has(source)) writing.set(source, started(beating, source));
    }
    await pause(Math.min(performance.now() + LOOK, ...due.values()) - performance.now(), signal);
  }
  await Promise.all(writing.values());

  async function started({ site, forget }: BeatingSite, source: string): Promise<void> {
    try {
      if (!(await beatOnce({ site, source, failing, work }))) forget();
    } catch (error) {
      if (!signal.aborted) log.error({ source, error: messageOf(error) }, 'a canary has failed');
    } finally {
      writing.delete(source);
    }
  }
}

/** Those that this host writes, by source. */
export function canariesOf({ config, host }: Site): ReadonlyMap<string, Canary> {
  const canaries = new Map<string, Canary>();
  for (const [name, source] of Object.entries(config.sources)) {
    if ('canary' in source && source.canary && hostOf(config, name) === host) canaries.set(name, source.canary);
  }
  return canaries;
}

/** A config that is just being written, or wrong, is told by every step; the canaries go on by the one before. */
async function reread(
  openSite: Rounds['openSite'],
  log: Logger,
  before: BeatingSite | undefined,
): Promise<BeatingSite | undefined> {
  try {
    const site = await openSite();
    // The same one keeps its secrets, and warns of them once.
    if (site.configDigest === before?.site.configDigest) return before;
    const kept = keepSecrets(site.readSecret);
    return { site: { ...site, readSecret: kept.readSecret }, forget: () => kept.forget() };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    log.debug({ code: error.code }, 'the config cannot be read for the canaries');
    return before;
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await wait(Math.max(0, milliseconds), undefined, { signal }).catch(() => undefined /* it is to end */);
}
