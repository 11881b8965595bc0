/** One tick for one source: its logs are shipped, then copied wherever they are lacking. What fails is in the report. */
import { hostOf } from '../../model/config/hosts.ts';
import type { SourceConfig } from '../../model/config/source.ts';
import type { LogsFacts, LogsStep, LogsTick, LogsWaits, MissingLogs, SpaceBeside } from '../../model/logs-run.ts';
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { CapturedBackup, ShippedLogs, StepError, StepInput } from '../../model/run.ts';
import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from '../site.ts';
import { adapterFor, logsOf } from '../sources/index.ts';
import { lastOf } from '../sources/logs-order.ts';
import { lastLocalLogs } from '../storage/local-logs.ts';
import { openRepository } from '../storage/repository.ts';
import { freeSpace } from '../storage/space.ts';
import type { Work } from '../work.ts';
import { bounded } from './bounded.ts';
import { copyLogs, type CopiedLogs } from './copy-logs.ts';
import { askForFull } from './full-due.ts';
import { missingLogs } from './missing-logs.ts';
import { sourcesWithLogs } from './plan-logs.ts';
import { planRun } from './plan-run.ts';
import { releaseRemoved } from './removed-sources.ts';
import { logsSource, shipLogs, shipsLogs } from './ship-logs.ts';
import { slotLostIn } from './slot-lost.ts';
import { stepFailure } from './step-failure.ts';

export interface TickRequest {
  readonly site: Site;
  readonly runId: string;
  /** RFC 3339, UTC, whole seconds. */
  readonly scheduled: string;
  readonly step: LogsStep;
  readonly waits: LogsWaits;
  readonly attempt: number;
  readonly work: Work;
}

/** Of a tick's time the shipping may use so much: a source that hangs must not keep copies from their destinations. */
const SHIPPING_SHARE = 0.75;
/** Milliseconds for a look at the server. */
const LOOKING = 10_000;
/** Attempts of one tick to ship; what fails then is the next tick's. */
const ATTEMPTS = 2;

/**
 * Ships and copies within the step's deadline. Done twice it does nothing twice.
 * @throws only what cancelled it, and bugs.
 */
export async function tickSource(request: TickRequest): Promise<LogsTick> {
  const { site, runId, step, work } = request;
  const { source } = step;
  const began = Date.now();
  if (isFirst(site, source)) await releaseRemoved(site, work);
  const shipping = await shipWithin(request, step.deadline * SHIPPING_SHARE);
  const shipped = 'error' in shipping ? null : shipping.shipped;
  const took = Date.now() - began;
  const copies = await Promise.all(
    step.destinations.map((destination) => copyWithin(request, destination, step.deadline - took)),
  );
  const looked = await lookAtServer(request, shipping);
  const newest = (await lastLocalLogs(await openRepository(site), source, lastOf))?.manifest;
  const gone = await lookForMissing(request);
  const due = await askForFull({ site, source, runId, work });
  const facts: LogsFacts = {
    shipped: !('error' in shipping),
    sealed: newest?.finished ?? null,
    coversUntil: newest?.coversUntil ?? null,
    gap: shipped?.gap ?? null,
    ...(shipped?.stray && { stray: shipped.stray }),
    fullDue: due?.ask ? due.reason : null,
    ...(due?.sealed && { fullOwed: due.lacking }),
    owed: Object.fromEntries(copies.flatMap(({ destination, owed }) => (owed > 0 ? [[destination, owed]] : []))),
    space: await spaceOf(site),
    slotLost: await slotLostIn({ site, source, runId }),
    server: looked.server,
    ...(gone.missing && { missing: gone.missing }),
    ...(isFirst(site, source) && { beside: await serversBeside(request) }),
  };
  work.log.info({ source, shipped: facts.shipped, coversUntil: facts.coversUntil }, 'logs ticked');
  return {
    captured: shipped && capturedOf(shipped, took),
    copies: copies
      .filter(({ backups }) => backups > 0)
      .map(({ destination, backups, bytes, milliseconds }) => ({ destination, backups, bytes, milliseconds })),
    facts,
    ...(due?.ask && due.sealed && { owedFull: stepOfSealed(site, due.sealed) }),
    errors: [
      // A server that does not even ship has said why.
      ...('error' in shipping ? [shipping.error] : looked.errors),
      ...copies.flatMap(({ errors }) => errors),
      ...gone.errors,
    ],
  };
}

/** The step that seals nothing more, and copies what is sealed to wherever it is lacking. */
function stepOfSealed(site: Site, { source, scheduled }: Manifest): StepInput {
  const { site: name } = site.config;
  const spec = planRun(site, { site: name, plan: 'daily', scheduled, sources: [source] });
  const [step] = spec.phases.flatMap(({ steps }) => steps);
  if (!step) throw new TypeError('a plan of one source without a step');
  return { runId: spec.runId, scheduled: spec.scheduled, step, waits: spec.waits };
}

/** One source of a host does what is to be done once a tick. */
function isFirst(site: Site, source: string): boolean {
  return sourcesWithLogs(site).find((name) => hostOf(site.config, name) === site.host) === source;
}

type Shipping = { readonly shipped: ShippedLogs | null } | { readonly error: StepError };

async function shipWithin(
  { site, runId, scheduled, step, waits, attempt, work }: TickRequest,
  limit: number,
): Promise<Shipping> {
  const { source } = step;
  const what = `the shipping of the logs of ${source}`;
  const end = Date.now() + limit;
  for (let tries = 1; ; tries += 1) {
    try {
      const shipped = await bounded({ what, limit: Math.max(1, end - Date.now()), work }, (work) =>
        shipLogs({ site, source, runId, scheduled, attempt, busy: waits.busy, work }),
      );
      return { shipped };
    } catch (error) {
      if (work.signal.aborted) throw error;
      const again =
        error instanceof BackupError && error.retryable && error.code !== 'busy' && error.code !== 'standstill';
      if (!again || tries === ATTEMPTS || Date.now() + waits.retryFirst >= end)
        return { error: stepFailure(site, 'ship', error) };
      work.log.warn({ source, error: error.message }, 'shipping failed, and is tried once more');
      await pause(waits.retryFirst, undefined, { signal: work.signal });
    }
  }
}

/** Servers of this host whose sources ship no logs. One that cannot be asked is left out: its own backups say why. */
async function serversBeside({ site, work }: TickRequest): Promise<readonly SpaceBeside[]> {
  const found = await Promise.all(
    Object.entries(site.config.sources)
      .filter(([source, config]) => hostOf(site.config, source) === site.host && !shipsLogs(config))
      .map(([source, config]) => lookBeside(site, source, config, work)),
  );
  return found.filter((each) => each !== undefined);
}

async function lookBeside(
  site: Site,
  source: string,
  config: SourceConfig,
  work: Work,
): Promise<SpaceBeside | undefined> {
  const adapter = adapterFor(config.type);
  if (!adapter.space) return undefined;
  const what = `looking at the server of ${source}`;
  try {
    const space = await bounded(
      { what, limit: LOOKING, work },
      (bound) => adapter.space?.(logsSource({ site, source, work: bound })) ?? Promise.resolve([]),
    );
    // Not seen is not looked at: what was told of it before is not over.
    return space.length === 0 ? undefined : { source, space };
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    work.log.warn({ source, error: error.message }, 'the free space of a server cannot be looked at');
    return undefined;
  }
}

interface Looked {
  readonly server: LogsFacts['server'];
  readonly errors: readonly StepError[];
}

/** It is asked unless it hangs: also a server whose logs are not shipped has a disk that fills up. */
async function lookAtServer({ site, step: { source, type }, work }: TickRequest, shipping: Shipping): Promise<Looked> {
  const logs = logsOf(type);
  const hangs = 'error' in shipping && shipping.error.code === 'standstill';
  if (!logs || hangs) return { server: null, errors: [] };
  const what = `looking at the server of ${source}`;
  try {
    const server = await bounded({ what, limit: LOOKING, work }, (bound) =>
      logs.standing(logsSource({ site, source, work: bound })),
    );
    return { server, errors: [] };
  } catch (error) {
    if (work.signal.aborted) throw error;
    return { server: null, errors: [stepFailure(site, 'look at the server', error)] };
  }
}

interface Missing {
  /** Absent where it is not known. */
  readonly missing?: readonly MissingLogs[];
  readonly errors: readonly StepError[];
}

async function lookForMissing({ site, step: { source }, work }: TickRequest): Promise<Missing> {
  const what = `looking for logs of ${source} that are gone`;
  try {
    const missing = await bounded({ what, limit: LOOKING, work }, (bound) =>
      missingLogs({ site, source, work: bound }),
    );
    return { ...(missing && { missing }), errors: [] };
  } catch (error) {
    if (work.signal.aborted) throw error;
    return { errors: [stepFailure(site, 'look for logs that are gone', error)] };
  }
}

async function copyWithin({ site, step, work }: TickRequest, destination: string, limit: number): Promise<CopiedLogs> {
  const copied = copyLogs({ site, source: step.source, destination, limit: Math.max(1, limit), work });
  try {
    return await copied;
  } catch (error) {
    if (work.signal.aborted) throw error;
    const errors = [stepFailure(site, `copy to ${destination}`, error)];
    return { destination, backups: 0, bytes: 0, milliseconds: 0, owed: 0, errors };
  }
}

function capturedOf({ backup, bytes, plainBytes, gap, stray }: ShippedLogs, milliseconds: number): CapturedBackup {
  const warnings = [gap, stray].filter((said) => said !== null);
  return { backup, kind: 'logs', bytes, plainBytes, milliseconds, warnings, partial: gap !== null, existed: false };
}

async function spaceOf({ state, repository }: Site): Promise<LogsFacts['space']> {
  const paths = [...new Set([repository, state])];
  return Promise.all(paths.map(async (path) => ({ path, free: await freeSpace(path) })));
}
