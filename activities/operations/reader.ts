/** Reading of one stored backup: artifacts come out digested, decrypted and decompressed. */
import { createHmac } from 'node:crypto';
import { BackupError, type ErrorFacts } from '../../model/errors.ts';
import type { Artifact, Manifest } from '../../model/manifest.ts';
import { formatReference } from '../../model/reference.ts';
import { siteIdentity, trustedKeys } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import type { BackupReader } from '../sources/types.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import { checkManifest, pinned } from '../storage/manifest-file.ts';
import type { Store } from '../storage/types.ts';
import { isLocked, readLines, readStream } from '../streams/read.ts';
import type { Program } from '../streams/types.ts';
import type { Work } from '../work.ts';
import { otherIdentity, ownIdentity } from './own-identity.ts';

export interface OpenOptions {
  readonly site: Site;
  readonly store: Store;
  readonly backup: Catalogued;
  readonly work: Work;
}

/**
 * Opens a backup for reading. Its signature must be good before a byte of it is believed.
 * @throws BackupError `not-authentic`, `missing-identity`.
 */
export async function openBackup({ site, store, backup, work }: OpenOptions): Promise<BackupReader> {
  const { manifest } = backup;
  checkManifest(manifest, await trustedKeys(site));
  const identities = await siteIdentity(site);
  let identity = await ownIdentity(store, backup, identities).catch((error: unknown) => {
    throw ofBackup(manifest, error);
  });

  async function stored(artifact: Artifact, by: string) {
    const source = await store.open(`${backup.folder}/${artifact.name}`);
    return { source, expected: artifact, identity: by, work };
  }

  /** Whether there is another key to read with: no program has seen a byte of what was locked. */
  async function hasAnother(error: unknown, used: string): Promise<boolean> {
    if (!isLocked(error)) return false;
    // Somebody who read beside this one has found it.
    if (identity !== used) return true;
    const other = await otherIdentity(store, backup, identities, identity);
    if (other === undefined) return false;
    work.log.warn({ backup: formatReference(manifest) }, 'its key was replaced by one that is not its own');
    identity = other;
    return true;
  }

  async function read(role: string, name: string, consumers: readonly Program[], own: Work): Promise<void> {
    const artifact = manifest.artifacts.find((entry) => entry.role === role && entry.name === name);
    if (!artifact) throw lacks(manifest, `${role} (${name})`);
    const by = identity;
    try {
      await readStream({ ...(await stored(artifact, by)), consumer: consumers, redact: site.redact, work: own });
    } catch (error) {
      if (await hasAnother(error, by)) return read(role, name, consumers, own);
      throw named(manifest, artifact, error);
    }
  }

  async function* lines(role: string): AsyncGenerator<string> {
    const artifact = manifest.artifacts.find((entry) => entry.role === role);
    if (!artifact) throw lacks(manifest, role);
    const by = identity;
    try {
      yield* readLines(await stored(artifact, by));
    } catch (error) {
      if (await hasAnother(error, by)) yield* lines(role);
      else throw named(manifest, artifact, error);
    }
  }

  return {
    manifest,
    into: (role: string, name: string, consumer: Program) => read(role, name, [consumer], work),
    through: read,
    lines,
    seal: (text: string) => createHmac('sha256', identity.trim()).update(text).digest('hex'),
  };
}

/** What is wrong with the key of a backup, with its name: a chain and its logs have many. */
function ofBackup(manifest: Manifest, error: unknown): unknown {
  if (!(error instanceof BackupError)) return error;
  const reference = formatReference(manifest);
  return renamed(error, reference, { reference });
}

/** What went wrong with an artifact, with the name of it and of its backup: a chain has several of each name. */
function named(manifest: Manifest, { name }: Artifact, error: unknown): unknown {
  if (!(error instanceof BackupError) || !OF_THE_ARTIFACT.has(error.code)) return error;
  const reference = formatReference(manifest);
  return renamed(error, `${reference}, ${name}`, { reference, artifact: name, manifest: pinned(manifest).sha256 });
}

function renamed(error: BackupError, of: string, more: ErrorFacts): BackupError {
  const { code, message, remedy, facts, retryable } = error;
  return new BackupError(code, `${of}: ${message}`, {
    ...(remedy === undefined ? {} : { remedy }),
    facts: { ...facts, ...more },
    cause: error,
    retryable,
  });
}

/** Codes that speak of what is stored; the others are the consumer's or the place's. */
const OF_THE_ARTIFACT: ReadonlySet<string> = new Set(['verification-failed', 'not-found', 'failed']);

function lacks(manifest: Manifest, what: string): BackupError {
  return new BackupError('verification-failed', `${formatReference(manifest)} has no artifact ${what}`);
}
