/**
 * The capture of one source: lease, preflight, streams into staging, seal. Done twice for the same scheduled
 * time it gives one backup; killed anywhere it leaves nothing that is listed.
 */
import path from 'node:path';
import type { SourceConfig } from '../../model/config/source.ts';
import { BackupError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import {
  MANIFEST_SCHEMA,
  orderBehind,
  sizes,
  type Manifest,
  type UnsignedManifest,
  type Warning,
} from '../../model/manifest.ts';
import { backupFolder, backupId, MANIFEST, sourceFolder, type BackupPlace } from '../../model/paths.ts';
import type { BackupFacts, CapturedBackup } from '../../model/run.ts';
import { defaultGroup, type Kind, type Tier } from '../../model/source.ts';
import { adapterFor } from '../sources/index.ts';
import type { Captured, SourceAdapter, SourceContext } from '../sources/types.ts';
import type { Site } from '../site.ts';
import { pinned } from '../storage/catalogue.ts';
import { makePath } from '../storage/durable.ts';
import { translated } from '../storage/fs-errors.ts';
import type { Lease } from '../storage/lease.ts';
import { underLease } from '../storage/under-lease.ts';
import { parseManifest } from '../storage/manifest-file.ts';
import {
  pointLatest,
  prepareRepository,
  requireRepository,
  watchedRepository,
  writeRepository,
} from '../storage/repository.ts';
import { requireSpace } from '../storage/space.ts';
import { whileThere } from '../storage/while-there.ts';
import { productVersion } from '../version.ts';
import type { Work } from '../work.ts';
import { signAndSeal, withAttempt } from './attempt.ts';
import { requireSettled } from './in-place/journal.ts';
import { newestChain } from './newest-chain.ts';
import { requireInTurn, requireOfItsTime } from './out-of-turn.ts';
import { preparedSource } from './own-source.ts';

export interface CaptureRequest {
  readonly site: Site;
  readonly source: string;
  readonly tier: Tier;
  readonly runId: string;
  /** RFC 3339, UTC, whole seconds: the backup's id is made of it. */
  readonly scheduled: string;
  /** Orders the attempts of one step: a later attempt takes the lease over from an earlier one. */
  readonly attempt: number;
  /** Milliseconds to wait for another holder of the lease. */
  readonly busy: number;
  /** Called when the source is this attempt's alone and nothing is sealed yet: before anything of it is read. What it throws ends the capture. */
  readonly prepare?: () => Promise<void>;
  readonly work: Work;
}

/** Free space kept beyond what the last backup of the same kind took, in bytes. */
const SPARE_BYTES = 64 * 2 ** 20;

/**
 * Captures a source and seals the backup.
 * @throws BackupError `preflight-failed`, `no-space`, `busy`, `lease-lost`, `refused` where a newer one of its tier is there or the one of its time was made by a clock that ran ahead, or what the source's programs failed with.
 */
export async function captureBackup(request: CaptureRequest): Promise<CapturedBackup> {
  const started = Date.now();
  const { site, source, work } = request;
  const { config, warnings } = await preparedSource(site, source);
  await prepareRepository(site);
  const earlier = await sealedEarlier(request, config);
  if (earlier) return existing(request, config, earlier);

  const state = path.join(site.state, 'sources', source);
  await translated(state, 'making the state folder of the source', () => makePath(state));
  const wanted = {
    state: site.state,
    name: source,
    step: `${request.runId}/${source}`,
    attempt: request.attempt,
    wait: request.busy,
    signal: work.signal,
  };
  return underLease(wanted, async (lease) => {
    await requireSettled({ site, source });
    const meanwhile = await sealedEarlier(request, config);
    if (meanwhile) return await existing(request, config, meanwhile);
    await requireInTurn(request, config);
    await request.prepare?.();
    const context = { source, config, work, readSecret: site.readSecret, state };
    const manifest = await captureUnderLease({ ...request, warnings }, context, lease);
    return summary(manifest, started, false);
  });
}

/** What is sealed already. Whoever sealed it may have died before it renewed the link. */
async function existing(request: CaptureRequest, config: SourceConfig, manifest: Manifest): Promise<CapturedBackup> {
  const { site } = request;
  await requireOfItsTime(request, config, manifest);
  await writeRepository(site, () => pointLatest(site.repository, placeOf(request, config, manifest.id)));
  return summary(manifest, Date.now(), true);
}

interface UnderLease extends CaptureRequest {
  /** What is known to be left out before anything is read. */
  readonly warnings: readonly Warning[];
}

async function captureUnderLease(request: UnderLease, context: SourceContext, lease: Lease): Promise<Manifest> {
  const { site, source, tier, scheduled, work } = request;
  const adapter = adapterFor(context.config.type);
  const began = new Date().toISOString();
  const findings = await preflight(adapter, context);
  const newest = await newestChain(site, source);
  // What is kept for weeks, months and years must not need others that are not.
  const alone = tier !== 'daily';
  const { chain, warnings } = alone ? { chain: [], warnings: [] } : newest;
  const kind = await adapter.nextKind(context, chain);
  await requireRoom(site, newest.chain, kind);

  const of = { site, source, config: context.config, attempt: request.attempt, lease: source, work } as const;
  return withAttempt({ ...of, expected: expectedBytes(newest.chain, kind) }, async (attempt) => {
    const parent = kind === 'incremental' ? chain.at(-1) : undefined;
    const captured = await adapter.capture({
      ...context,
      kind,
      tier,
      parent: parent ? { manifest: parent } : null,
      newestChain: chain,
      attempt: attempt.name,
      artifacts: attempt.writer,
      spool: attempt.spool,
    });
    work.signal.throwIfAborted();
    const finished = new Date().toISOString();
    const unsigned = {
      schema: MANIFEST_SCHEMA,
      id: backupId(scheduled, kind),
      site: site.config.site,
      host: site.host,
      run: request.runId,
      source,
      type: context.config.type,
      kind,
      tier,
      parent: parent ? pinned(parent) : null,
      copyOf: null,
      scheduled,
      started: began,
      finished,
      ...orderBehind(finished, newest.all),
      engine: captured.engine,
      consistency: captured.consistency,
      position: captured.position,
      artifacts: attempt.writer.written(),
      key: attempt.key,
      tools: { ...captured.tools, ...(await attempt.writer.tools()), 'mosaic-backup': productVersion },
      warnings: [
        ...warnings,
        ...request.warnings,
        ...findings.filter(({ severity }) => severity === 'warning').map(toWarning),
        ...captured.warnings,
      ],
    } satisfies UnsignedManifest;
    return commit(request, context, { staging: attempt.staging, unsigned, captured, lease });
  });
}

interface Commit {
  readonly staging: string;
  readonly unsigned: UnsignedManifest;
  readonly captured: Captured;
  readonly lease: Lease;
}

/** Seals; only after the seal does the source's state move on. */
async function commit(
  request: CaptureRequest,
  context: SourceContext,
  { staging, unsigned, captured, lease }: Commit,
): Promise<Manifest> {
  const { site } = request;
  const place = placeOf(request, context.config, unsigned.id);
  const { manifest, existed: sealedBefore } = await signAndSeal({
    site,
    staging,
    unsigned,
    folder: backupFolder(place),
    lease,
  });
  if (sealedBefore) {
    const sealed = await sealedEarlier(request, context.config);
    if (sealed) return sealed;
    throw new BackupError(
      'conflict',
      `${request.source}: a backup ${manifest.id} is in the repository, but its manifest cannot be read`,
      {
        remedy: `Run "mosaic-backup verify" and move the damaged folder away.`,
      },
    );
  }
  await captured.onSealed?.(manifest.id);
  await pointLatest(site.repository, place);
  return manifest;
}

async function preflight(adapter: SourceAdapter, context: SourceContext): Promise<readonly Finding[]> {
  context.work.progress({ phase: 'preflight', bytes: 0, total: null, activity: 0 });
  const findings = await adapter.preflight(context);
  const errors = findings.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (!first) return findings;
  throw new BackupError('preflight-failed', `${context.source}: ${errors.map(({ message }) => message).join('; ')}`, {
    remedy: errors.map(({ remedy }) => remedy ?? '').join('\n'),
    facts: { findings: errors.map(({ code }) => code) },
  });
}

function toWarning({ code, message, remedy }: Finding): Warning {
  return { code, message: remedy ? `${message} (${remedy})` : message, partial: false };
}

function placeOf(request: CaptureRequest, config: SourceConfig, id: string): BackupPlace {
  return { source: request.source, group: config.group ?? defaultGroup(config.type), tier: request.tier, id };
}

/** What an earlier attempt or run sealed for the same scheduled time, of whichever kind. */
async function sealedEarlier(request: CaptureRequest, config: SourceConfig): Promise<Manifest | undefined> {
  const store = watchedRepository(request.site);
  const kinds = ['full', 'incremental'] as const satisfies readonly Kind[];
  for (const kind of kinds) {
    const place = placeOf(request, config, backupId(request.scheduled, kind));
    const bytes = await store.readSmall(`${sourceFolder(place)}/${place.id}/${MANIFEST}`);
    if (bytes) return parseManifest(bytes);
  }
  return undefined;
}

function expectedBytes(chain: readonly Manifest[], kind: Kind): number | null {
  const like = chain.findLast((manifest) => manifest.kind === kind);
  return like ? sizes(like).stored : null;
}

/** Refuses to start a capture that cannot fit, judged by the last one of its kind. */
async function requireRoom(site: Site, chain: readonly Manifest[], kind: Kind): Promise<void> {
  const expected = expectedBytes(chain, kind) ?? 0;
  const needed = Math.ceil(expected * 1.1) + SPARE_BYTES;
  // Of a repository that is away it is the disk above that has so little.
  await whileThere(
    () => requireRepository(site),
    () => requireSpace({ path: site.repository, needed }),
  );
}

/**
 * What later steps and reports need of a sealed backup.
 * @param started milliseconds since the epoch: when this attempt began; of one that existed its manifest tells the time.
 */
export function summary(manifest: Manifest, started: number, existed: boolean): CapturedBackup {
  const { stored, plain } = sizes(manifest);
  return {
    backup: pinned(manifest),
    kind: manifest.kind,
    bytes: stored,
    plainBytes: plain,
    milliseconds: existed ? Date.parse(manifest.finished) - Date.parse(manifest.started) : Date.now() - started,
    warnings: manifest.warnings.map(({ message }) => message),
    partial: manifest.warnings.some(({ partial }) => partial),
    existed,
    facts: factsOf(manifest),
  };
}

/** What a recovery point tells of a backup beside its reference. */
export function factsOf({ consistency, position, engine: { image } }: Manifest): BackupFacts {
  return { consistency, position, image: typeof image === 'string' ? image : null };
}
