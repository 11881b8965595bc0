/** Watching a run: the state of its sources by query, bytes from the heartbeats of the steps that run. */
import type { Client } from '@temporalio/client';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError, isErrorCode } from '../../model/errors.ts';
import { waitsForTurn } from '../../model/graph.ts';
import type { TestReport } from '../../model/restore-test.ts';
import type { RunReport, SourceReport, StepError } from '../../model/run.ts';
import { runGraph, runStatus, sourceStatus } from '../../workflows/messages.ts';
import { SITE } from '../../workflows/search-attributes.ts';
import { deliveryId, type Delivered } from '../../model/catch-up.ts';
import { stepId } from '../../model/logs-run.ts';
import { remedyOf } from '../../workflows/step-error.ts';
import { resultOf, type AwaitedOptions } from './awaited.ts';
import type { RunHandle } from './start.ts';
import { unplanned } from './unplanned.ts';

/** What a running step reports of itself. */
export interface StepProgress {
  readonly activity: string;
  readonly attempt: number;
  readonly phase: string | null;
  readonly bytes: number | null;
  readonly total: number | null;
  /** Why the attempt before failed; null on the first. */
  readonly lastFailure: string | null;
  /** What to do about it, where its error says so. */
  readonly remedy: string | null;
}

export interface SourceProgress extends Omit<SourceReport, 'state'> {
  /** `restoring`, in tests and drills, is all that a source goes through there. */
  readonly state: SourceReport['state'] | 'restoring';
  /** The activities that run just now. */
  readonly activities: readonly StepProgress[];
}

export interface WatchOptions {
  /** Milliseconds between two looks. */
  readonly interval: number;
  readonly onProgress: (sources: readonly SourceProgress[]) => void;
  /** Called once, where it has not begun since another run of its plan goes on. */
  readonly onTurn?: () => void;
  /** Called once, where nobody plans it. */
  readonly onUnplanned?: (why: StepError) => void;
  /** A cancellation that did not reach the run: it goes on, and somebody must know. */
  readonly onCancelFailed: (error: unknown) => void;
}

/**
 * Follows a run to its end.
 * @throws BackupError `aborted` when it was cancelled; `failed` when it ended without a report; as `resultOf` where Temporal goes away.
 */
export async function watchRun(
  client: Client,
  handle: RunHandle,
  { interval, onProgress, onTurn, onUnplanned, ...awaiting }: Omit<WatchOptions, 'onCancelFailed'> & AwaitedOptions,
): Promise<RunReport> {
  const ended = new AbortController();
  const result = resultOf(handle, awaiting).finally(() => ended.abort());
  const looking = look(client, handle, { interval, onProgress, onTurn, onUnplanned, signal: ended.signal });
  try {
    const report = await result;
    const tested = testedIn(report);
    onProgress(report.destinations?.map(deliveryLine) ?? tested?.map(testLine) ?? report.sources.map(still));
    return report;
  } catch (error) {
    throw runError(error, handle.workflowId);
  } finally {
    await looking;
  }
}

interface Looks extends Pick<WatchOptions, 'interval' | 'onProgress'> {
  readonly onTurn: WatchOptions['onTurn'];
  readonly onUnplanned: WatchOptions['onUnplanned'];
  readonly signal: AbortSignal;
}

/**
 * Milliseconds for an answer that is under way when the end is known: where nobody answers, gRPC would go on asking for long. One that is given
 * up at once is one that the worker may be at, and whoever asks that run next would wait for half a minute, and be told nothing.
 */
const LEAVING = 2_000;

async function look(client: Client, handle: RunHandle, looks: Looks): Promise<void> {
  const { interval, onProgress, signal } = looks;
  let { onTurn: tellTurn, onUnplanned: tellUnplanned } = looks;
  const givenUp = new AbortController();
  const over = once(givenUp.signal, 'abort');
  let leaving: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', () => (leaving = setTimeout(() => givenUp.abort(), LEAVING)), { once: true });
  const lookOnce = async (): Promise<void> => {
    const report = await handle.query(runStatus);
    if (signal.aborted) return;
    const lines = await linesOf(client, handle, report);
    if (signal.aborted) return;
    onProgress(lines);
    if (tellTurn && isEmpty(report) && waitsForTurn((await handle.query(runGraph)).steps)) {
      tellTurn();
      tellTurn = undefined;
    }
    const why = tellUnplanned && isEmpty(report) ? unplanned(await handle.describe(), Date.now()) : null;
    if (why) {
      tellUnplanned?.(why.error);
      tellUnplanned = undefined;
    }
  };
  while (!signal.aborted) {
    try {
      await Promise.race([client.withAbortSignal(givenUp.signal, lookOnce), over]);
    } catch {
      // No worker answers just now (it may be restarting): the next look tells.
    }
    await pause(interval, undefined, { signal }).catch(() => undefined);
  }
  clearTimeout(leaving);
}

/** Before it is planned a run knows nothing of what it will do. */
function isEmpty({ outcome, sources, destinations, tests, drill }: RunReport): boolean {
  return outcome === null && [sources, destinations, tests, drill?.sources].every((of) => (of ?? []).length === 0);
}

function linesOf(client: Client, handle: RunHandle, report: RunReport): Promise<readonly SourceProgress[]> {
  const { sources, destinations } = report;
  if (destinations) return deliveries(client, handle, destinations);
  const tests = testedIn(report);
  return tests ? testLines(client, handle, tests) : progressOf(client, handle, sources);
}

/** A source has a workflow of its own, but for logs: their steps are the run's, told apart by their ids. */
async function progressOf(
  client: Client,
  handle: RunHandle,
  sources: readonly SourceReport[],
): Promise<readonly SourceProgress[]> {
  if (sources.every(({ logs }) => logs === undefined))
    return Promise.all(sources.map((source) => sourceProgress(client, handle.workflowId, source)));
  const { raw } = await handle.describe();
  return sources.map((source) => {
    const own = (raw.pendingActivities ?? []).filter(({ activityId }) => activityId === stepId(source.source));
    return { ...source, activities: own.map(stepProgress) };
  });
}

/** A source that is restored to see whether that can be done. */
type Tested = Pick<TestReport, 'source' | 'outcome' | 'errors'>;

function testedIn({ tests, drill }: RunReport): readonly Tested[] | undefined {
  return drill?.sources ?? tests;
}

/** Each source that is tested, with the bytes of its workflow. */
async function testLines(
  client: Client,
  { workflowId }: RunHandle,
  tests: readonly Tested[],
): Promise<readonly SourceProgress[]> {
  return Promise.all(
    tests.map(async (test) => {
      if (test.outcome !== null) return testLine(test);
      const child = client.workflow.getHandle(`${workflowId}/${test.source}`);
      const activities = await child.describe().then(
        ({ raw }) => (raw.pendingActivities ?? []).map(stepProgress),
        // It has not begun: the next look tells.
        () => undefined,
      );
      // Between two of its steps nothing is at work, and it has begun all the same.
      return { ...testLine(test), activities: activities ?? [], state: activities ? 'restoring' : 'pending' };
    }),
  );
}

/** A test as the views show a source. */
function testLine({ source, outcome, errors }: Tested): SourceProgress {
  const state = outcome === null ? 'pending' : outcome === 'failed' ? 'failed' : 'done';
  return {
    source,
    state,
    outcome,
    captured: null,
    copies: [],
    verified: outcome === 'complete',
    errors,
    activities: [],
  };
}

/** Each destination as a line of its own, with the bytes of its workflow. */
async function deliveries(
  client: Client,
  handle: RunHandle,
  destinations: readonly Delivered[],
): Promise<readonly SourceProgress[]> {
  const { typedSearchAttributes } = await handle.describe();
  const site = typedSearchAttributes.get(SITE) ?? '';
  return Promise.all(
    destinations.map(async (one) => {
      if (one.state !== 'copying') return deliveryLine(one);
      const child = client.workflow.getHandle(deliveryId(site, one));
      const activities = await child.describe().then(
        ({ raw }) => (raw.pendingActivities ?? []).map(stepProgress),
        // It has not begun, or its data are gone: the next look tells.
        () => [],
      );
      return { ...deliveryLine(one), activities };
    }),
  );
}

/** A destination as the views show a source. */
function deliveryLine({ destination, host, state, errors }: Delivered): SourceProgress {
  const line = { captured: null, copies: [], verified: false, errors, activities: [] } as const;
  const source = `${destination} from ${host}`;
  if (state === 'copying') return { ...line, source, state, outcome: null };
  const bad = errors.length > 0 ? 'partial' : 'complete';
  return { ...line, source, state: 'done', outcome: state === 'failed' ? 'failed' : bad };
}

async function sourceProgress(client: Client, run: string, source: SourceReport): Promise<SourceProgress> {
  if (source.outcome !== null || source.state === 'pending') return still(source);
  const child = client.workflow.getHandle(`${run}/${source.source}`);
  try {
    const [live, description] = await Promise.all([child.query(sourceStatus), child.describe()]);
    return { ...live, activities: (description.raw.pendingActivities ?? []).map(stepProgress) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return still(source);
    throw error;
  }
}

function still(source: SourceReport): SourceProgress {
  return { ...source, activities: [] };
}

type PendingActivity = NonNullable<Awaited<ReturnType<RunHandle['describe']>>['raw']['pendingActivities']>[number];

/** What a pending activity tells of itself. */
export function stepProgress({ activityType, attempt, heartbeatDetails, lastFailure }: PendingActivity): StepProgress {
  const [payload] = heartbeatDetails?.payloads ?? [];
  const details: unknown = payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
  const facts = typeof details === 'object' && details !== null ? details : {};
  return {
    activity: activityType?.name ?? '',
    attempt: attempt ?? 1,
    phase: 'phase' in facts && typeof facts.phase === 'string' ? facts.phase : null,
    bytes: 'bytes' in facts && typeof facts.bytes === 'number' ? facts.bytes : null,
    total: 'total' in facts && typeof facts.total === 'number' ? facts.total : null,
    lastFailure: lastFailure?.message ?? null,
    remedy: remedyIn(lastFailure),
  };
}

/** An attempt's error is seen undecoded here: the remedy is the first of its details, as the activity put it. */
function remedyIn(failure: PendingActivity['lastFailure']): string | null {
  const [payload] = failure?.applicationFailureInfo?.details?.payloads ?? [];
  const details: unknown = payload ? defaultPayloadConverter.fromPayload(payload) : null;
  const isRemedy = typeof details === 'object' && details !== null && 'remedy' in details;
  return isRemedy && typeof details.remedy === 'string' ? details.remedy : null;
}

/** How a run ended that gave no report, in our own words. */
export function runError(error: unknown, run: string): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const { cause } = error;
  if (cause?.name === 'CancelledFailure')
    return new BackupError('aborted', `${run} was cancelled: nothing half-made is kept`);
  const inner = cause?.cause instanceof Error ? cause.cause : cause;
  if (inner instanceof ApplicationFailure && isErrorCode(inner.type)) {
    const remedy = remedyOf(inner);
    return new BackupError(inner.type, inner.message, { cause: error, ...(remedy === null ? {} : { remedy }) });
  }
  return new BackupError('failed', `${run} ended without a report: ${inner?.message ?? error.message}`, {
    remedy: 'Look at the run in the Web UI, mend the cause, and run the same plan again.',
    cause: error,
  });
}
