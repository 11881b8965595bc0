/** The shipping of one source's logs: lease, what the server has in addition, seal. Bounded; the next tick does the rest. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { SourceConfig } from '../../model/config/source.ts';
import { MANIFEST_SCHEMA, orderBehind, sizes, type Manifest, type UnsignedManifest } from '../../model/manifest.ts';
import { logsFolder, logsId } from '../../model/paths.ts';
import type { ShippedLogs } from '../../model/run.ts';
import type { SourceType } from '../../model/source.ts';
import { logsOf } from '../sources/index.ts';
import { lastOf } from '../sources/logs-order.ts';
import type { LogsContext, LogsSource, Shipped } from '../sources/types.ts';
import type { Site } from '../site.ts';
import { pinned } from '../storage/catalogue.ts';
import { lastLocalLogs, localLogs, type LastLogs } from '../storage/local-logs.ts';
import type { Lease } from '../storage/lease.ts';
import { underLease } from '../storage/under-lease.ts';
import { prepareRepository, watchedRepository } from '../storage/repository.ts';
import { productVersion } from '../version.ts';
import type { Work } from '../work.ts';
import { signAndSeal, withAttempt, type Attempt } from './attempt.ts';
import { noteFullDue } from './full-due.ts';
import { requireSettled } from './in-place/journal.ts';
import { noteSlotLost } from './slot-lost.ts';
import { sourceConfig } from './source-config.ts';

export interface ShipRequest {
  readonly site: Site;
  readonly source: string;
  readonly runId: string;
  /** RFC 3339, UTC, whole seconds. */
  readonly scheduled: string;
  readonly attempt: number;
  /** Milliseconds to wait for another holder of the lease. */
  readonly busy: number;
  readonly work: Work;
}

/** Whether a source has logs that are to be shipped. */
export function shipsLogs(config: SourceConfig): boolean {
  return 'logs' in config && config.logs.enabled && logsOf(config.type) !== undefined;
}

/**
 * Ships what is new. Done twice it ships nothing twice; killed anywhere it loses nothing that was received.
 * @returns null where nothing is new.
 * @throws BackupError what the source's programs failed with, `busy`, `lease-lost`, `conflict`.
 */
export async function shipLogs(request: ShipRequest): Promise<ShippedLogs | null> {
  const { site, source, work } = request;
  const config = sourceConfig(site, source);
  const logs = logsOf(config.type);
  if (!logs) return null;
  await prepareRepository(site);
  const wanted = {
    state: site.state,
    name: leaseOf(source),
    step: `${request.runId}/${source}`,
    attempt: request.attempt,
    wait: request.busy,
    signal: work.signal,
  };
  return underLease(wanted, async (lease) => {
    await requireSettled({ site, source });
    const manifest = await shipUnderLease(request, { config, ship: (context) => logs.ship(context), lease });
    return manifest && summary(manifest);
  });
}

/** A source as the adapters of its logs see it. */
export function logsSource({ site, source, work }: Pick<ShipRequest, 'site' | 'source' | 'work'>): LogsSource {
  return {
    site: site.config.site,
    source,
    config: sourceConfig(site, source),
    work,
    readSecret: site.readSecret,
    state: path.join(site.state, 'sources', source),
  };
}

/** The lease of a source's logs. No source bears such a name. */
export function leaseOf(source: string): string {
  return `${source}~logs`;
}

interface Shipping {
  readonly config: SourceConfig;
  readonly ship: (context: LogsContext) => Promise<Shipped | null>;
  readonly lease: Lease;
}

/** The same for whoever holds the lease already. */
export async function shipUnderLease(
  request: ShipRequest,
  { config, ship, lease }: Shipping,
): Promise<Manifest | null> {
  const { site, source, work } = request;
  const began = new Date().toISOString();
  const received = path.join(site.state, 'sources', source, 'received');
  await mkdir(received, { recursive: true, mode: 0o700 });
  const store = watchedRepository(site);
  const last = await lastLocalLogs(store, source, (all) => lastOf(all.filter((each) => isFollowed(config.type, each))));
  const newest = last?.manifest ?? null;
  const of = { site, source, config, attempt: request.attempt, lease: leaseOf(source), expected: null, work } as const;
  return withAttempt(of, async (attempt) => {
    const shipped = await ship({
      ...logsSource({ site, source, work }),
      received,
      newest,
      sealed: (mayBe) => localLogs(store, source, mayBe),
      attempt: attempt.name,
      artifacts: attempt.writer,
      noteSlotLost: (why) => noteSlotLost(request, why),
    });
    if (!shipped) return null;
    work.signal.throwIfAborted();
    const unsigned = await manifestOf(request, { config, began, attempt, shipped, before: last?.all ?? [] });
    const folder = logsFolder(source, dayOf(request, last), shipped.first, shipped.last);
    const gap = gapOf(unsigned);
    if (gap !== null) await noteFullDue({ site, source }, unsigned.finished, gap);
    const { manifest } = await signAndSeal({ site, staging: attempt.staging, unsigned, folder, lease });
    await shipped.onSealed?.(manifest.id);
    return manifest;
  });
}

interface Made {
  readonly config: SourceConfig;
  readonly began: string;
  readonly attempt: Attempt;
  readonly shipped: Shipped;
  /** What was sealed last, and around it. */
  readonly before: readonly Manifest[];
}

async function manifestOf(
  { site, source, runId, scheduled }: ShipRequest,
  { config, began, attempt, shipped, before }: Made,
): Promise<UnsignedManifest> {
  const finished = new Date().toISOString();
  return {
    schema: MANIFEST_SCHEMA,
    id: logsId(shipped.first, shipped.last),
    site: site.config.site,
    host: site.host,
    run: runId,
    source,
    type: config.type,
    kind: 'logs',
    tier: null,
    parent: null,
    copyOf: null,
    scheduled,
    started: began,
    finished,
    ...orderBehind(finished, before),
    engine: shipped.engine,
    coversUntil: shipped.coversUntil,
    consistency: 'crash',
    position: shipped.position,
    artifacts: attempt.writer.written(),
    key: attempt.key,
    tools: { ...shipped.tools, ...(await attempt.writer.tools()), 'mosaic-backup': productVersion },
    warnings: [...shipped.warnings],
  };
}

function summary(manifest: Manifest): ShippedLogs {
  const { stored, plain } = sizes(manifest);
  return {
    backup: pinned(manifest),
    bytes: stored,
    plainBytes: plain,
    coversUntil: manifest.coversUntil ?? null,
    gap: gapOf(manifest),
    stray: saidBy(manifest, 'logs-stray'),
  };
}

/**
 * What a stopped server had begun to write is followed by nothing: should it run on, it is shipped whole. Nor is what says
 * no place in this type's logs: it is damaged, or the source was of another type before.
 */
function isFollowed(type: SourceType, manifest: Manifest): boolean {
  return manifest.position?.['tail'] === undefined && Boolean(logsOf(type)?.placeOf(manifest));
}

/** What is missing before logs; null where they follow what was shipped before. */
function gapOf({ warnings }: Pick<UnsignedManifest, 'warnings'>): string | null {
  return saidBy({ warnings }, 'logs-gap');
}

function saidBy({ warnings }: Pick<UnsignedManifest, 'warnings'>, code: string): string | null {
  return warnings.find((warning) => warning.code === code)?.message ?? null;
}

/**
 * The day that the logs are put under: of their tick, but never one before the newest, which is looked for on the last
 * day. A tick that was due before midnight may come after one that was started by hand behind it.
 */
function dayOf({ scheduled }: ShipRequest, last: LastLogs | null): string {
  const day = scheduled.slice(0, 10);
  return last !== null && last.day > day ? last.day : day;
}
