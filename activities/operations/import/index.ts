/** Archives that were made by hand, `tar.gz` in `openssl enc`: taken in as a backup like any other. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { FilesSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { MANIFEST_SCHEMA, type Manifest, type UnsignedManifest, type Warning } from '../../../model/manifest.ts';
import { backupFolder, backupId, type BackupPlace } from '../../../model/paths.ts';
import { KINDS } from '../../../model/source.ts';
import type { Site } from '../../site.ts';
import { formatEntry, formatHeader, formatPart } from '../../sources/files/inventory.ts';
import { listArchive } from '../../sources/files/tar.ts';
import { listingParser } from '../../sources/files/listing.ts';
import { makePath } from '../../storage/durable.ts';
import { translated } from '../../storage/fs-errors.ts';
import type { Lease } from '../../storage/lease.ts';
import { underLease } from '../../storage/under-lease.ts';
import { prepareRepository, repositoryStore } from '../../storage/repository.ts';
import { requireSpace } from '../../storage/space.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Program } from '../../streams/types.ts';
import { productVersion } from '../../version.ts';
import type { Work } from '../../work.ts';
import { signAndSeal, withAttempt } from '../attempt.ts';
import { sourceConfig } from '../source-config.ts';
import { decryption, findDerivation, type Derivation } from './openssl.ts';
import { placedEntry } from './placed.ts';

export interface ImportRequest {
  readonly site: Site;
  readonly source: string;
  /** Absolute. */
  readonly file: string;
  /** Secret. */
  readonly password: string;
  /** RFC 3339, whole seconds: when it was made. */
  readonly scheduled: string;
  readonly iterations: number;
  readonly work: Work;
}

/** Milliseconds to wait for a capture of the same source. */
const BUSY = 30_000;

/**
 * Takes an archive in. It is read twice: once to its end, so that gzip and tar have seen all of it before anything is made of it, and once for
 * the backup; nothing of it lies unencrypted on a disk.
 * @throws BackupError `verification-failed` for a wrong password and for what gzip or tar find damaged, `refused`, `conflict` where
 *   the source has a backup of that time, `busy`, `no-space`.
 */
export async function importArchive(request: ImportRequest): Promise<Manifest> {
  const { site, source, file, password, iterations, work } = request;
  const config = filesConfig(site, source);
  const derivation = await findDerivation(file, password, iterations);
  const { size } = await stat(file);
  await prepareRepository(site);
  await requireSpace({ path: site.repository, needed: Math.ceil(size * 1.1) });
  const state = path.join(site.state, 'sources', source);
  await translated(state, 'making the state folder of the source', () => makePath(state));
  const step = `import-${request.scheduled}/${source}`;
  const wanted = { state: site.state, name: source, step, attempt: 1, wait: BUSY, signal: work.signal };
  return underLease(wanted, async (lease) => {
    await requireFree(request, config);
    const lines = await listed(request, derivation);
    return taken({ request, config, derivation, lines, lease });
  });
}

/** The lines of its inventory: tar's own list of all that is in it. */
async function listed(
  { source, file, password, work }: ImportRequest,
  derivation: Derivation,
): Promise<readonly string[]> {
  const parse = listingParser();
  const lines = [formatHeader(source), formatPart('import')];
  const list = listArchive((line) => {
    const entry = placedEntry(parse(line));
    if (entry) lines.push(formatEntry(entry));
  });
  const programs = [...plain(file, password, derivation), list];
  await runPipeline({ programs, bytes: () => lines.length, phase: 'reading the archive', total: null, work }).catch(
    (error: unknown) => {
      throw damaged(file, error);
    },
  );
  if (lines.length > 2) return lines;
  throw new BackupError('refused', `${file} holds nothing. Nothing was taken in.`, { facts: { file } });
}

interface Taking {
  readonly request: ImportRequest;
  readonly config: FilesSource;
  readonly derivation: Derivation;
  readonly lines: readonly string[];
  readonly lease: Lease;
}

async function taken({ request, config, derivation, lines, lease }: Taking): Promise<Manifest> {
  const { site, source, file, password, scheduled, work } = request;
  const started = new Date().toISOString();
  const place = placeOf(request, config, backupId(scheduled, 'full'));
  const of = { site, source, config, attempt: 1, lease: source, expected: null, work } as const;
  return withAttempt(of, async (attempt) => {
    const { writer } = attempt;
    await writer
      .stream(plain(file, password, derivation), { role: 'base', name: 'base.tar', minPlainBytes: 512 })
      .catch((error: unknown) => {
        throw damaged(file, error);
      });
    await writer.lines(lines, { role: 'inventory', name: 'inventory', minPlainBytes: 1 });
    const unsigned = {
      schema: MANIFEST_SCHEMA,
      id: place.id,
      site: site.config.site,
      host: site.host,
      run: `import-${scheduled}`,
      source,
      type: 'files',
      kind: 'full',
      tier: place.tier,
      parent: null,
      copyOf: null,
      scheduled,
      started,
      finished: new Date().toISOString(),
      engine: { paths: [], exclude: [], imported: { file: path.basename(file), format: formatOf(derivation) } },
      consistency: 'fuzzy',
      // No incremental builds on it: what the disk was like then is not known.
      position: { snapshot: null },
      artifacts: writer.written(),
      key: attempt.key,
      tools: { ...(await writer.tools()), 'mosaic-backup': productVersion },
      warnings: [weakness(derivation)],
    } satisfies UnsignedManifest;
    const { manifest, existed } = await signAndSeal({
      site,
      staging: attempt.staging,
      unsigned,
      folder: backupFolder(place),
      lease,
    });
    if (existed) throw alreadyThere(request);
    return manifest;
  });
}

/** `openssl | gzip`: the tar archive itself. */
function plain(file: string, password: string, derivation: Derivation): readonly Program[] {
  return [decryption(file, password, derivation), { command: 'gzip', args: ['-dc'] }];
}

/** In words, for who made archives this way and thinks that they are safe. */
export function weakness({ digest, iterations }: Pick<Derivation, 'digest' | 'iterations'>): Warning {
  const guessing =
    iterations === null
      ? `its key is one round of ${digest} over the password, so that a graphics card tries billions of passwords a second`
      : `its key is ${iterations} rounds of PBKDF2 over the password, which tries fewer of them, and still many`;
  return {
    code: 'import.weak-format',
    message: `taken in from "openssl enc": that format proves nothing. Nothing in it tells whether it was changed since (a flipped byte garbles 16 bytes and goes on; only gzip's and tar's sums, which are no secret, have noticed nothing); a wrong password is noticed by luck; ${guessing}; and neither cipher nor derivation stand in it`,
    partial: false,
  };
}

function formatOf({ digest, iterations, base64 }: Derivation): string {
  const derivation = iterations === null ? `EVP_BytesToKey ${digest}` : `PBKDF2 ${digest}, ${iterations} iterations`;
  return `openssl enc -aes-256-cbc, ${derivation}${base64 ? ', base64' : ''}`;
}

function filesConfig(site: Site, source: string): FilesSource {
  const config = sourceConfig(site, source);
  if (config.type === 'files') return config;
  throw new BackupError(
    'refused',
    `${source} is of the type ${config.type}: an archive of files is taken in for a source of files. Nothing was taken in.`,
    {
      remedy: 'Add a source of the type files to the config (its paths may be where the files lay), and name that.',
    },
  );
}

function placeOf({ source }: ImportRequest, { group = 'apps' }: FilesSource, id: string): BackupPlace {
  return { source, group, tier: 'daily', id };
}

async function requireFree(request: ImportRequest, config: FilesSource): Promise<void> {
  const store = repositoryStore(request.site.repository);
  for (const kind of KINDS.filter((each) => each !== 'logs')) {
    const folder = backupFolder(placeOf(request, config, backupId(request.scheduled, kind)));
    for await (const _object of store.list(folder)) throw alreadyThere(request);
  }
}

function alreadyThere({ source, scheduled }: ImportRequest): BackupError {
  return new BackupError('conflict', `${source} has a backup of ${scheduled} already. Nothing was taken in.`, {
    remedy: 'Where it is this archive, it is taken in already; else say with --at when it was made.',
  });
}

/** What the programs say of the archive is a verdict on it. */
function damaged(file: string, error: unknown): unknown {
  if (!(error instanceof BackupError) || (error.code !== 'program-failed' && error.code !== 'implausible-size'))
    return error;
  return new BackupError(
    'verification-failed',
    `${file} is damaged, cut off, or no tar.gz inside: ${error.message}. Nothing was taken in.`,
    {
      remedy: 'Take another copy of the archive.',
      facts: { file, ...error.facts },
      cause: error,
    },
  );
}
