/** Reading of one stored backup: artifacts come out digested, decrypted and decompressed. */
import { BackupError, type ErrorFacts } from '../../model/errors.ts';
import type { Artifact, Manifest } from '../../model/manifest.ts';
import { KEY_FILE } from '../../model/paths.ts';
import { formatReference } from '../../model/reference.ts';
import { unwrapIdentity } from '../keys/identity.ts';
import { siteIdentity, trustedKeys } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import type { BackupReader } from '../sources/types.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import { checkManifest, pinned } from '../storage/manifest-file.ts';
import type { Store } from '../storage/types.ts';
import { readLines, readStream } from '../streams/read.ts';
import type { Program } from '../streams/types.ts';
import type { Work } from '../work.ts';

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
  const identity = await ownIdentity(store, backup, await siteIdentity(site)).catch((error: unknown) => {
    throw ofBackup(manifest, error);
  });

  async function stored(artifact: Artifact) {
    const source = await store.open(`${backup.folder}/${artifact.name}`);
    return { source, expected: artifact, identity, work };
  }

  async function read(role: string, name: string, consumers: readonly Program[], own: Work): Promise<void> {
    const artifact = manifest.artifacts.find((entry) => entry.role === role && entry.name === name);
    if (!artifact) throw lacks(manifest, `${role} (${name})`);
    try {
      await readStream({ ...(await stored(artifact)), consumer: consumers, redact: site.redact, work: own });
    } catch (error) {
      throw named(manifest, artifact, error);
    }
  }

  return {
    manifest,
    into: (role: string, name: string, consumer: Program) => read(role, name, [consumer], work),
    through: read,
    async *lines(role: string) {
      const artifact = manifest.artifacts.find((entry) => entry.role === role);
      if (!artifact) throw lacks(manifest, role);
      try {
        yield* readLines(await stored(artifact));
      } catch (error) {
        throw named(manifest, artifact, error);
      }
    },
  };
}

/** Out of the manifest; out of key.age where that one does not open: a rotation that was cut off leaves the two different. */
async function ownIdentity(store: Store, { folder, manifest }: Catalogued, identities: string): Promise<string> {
  try {
    return await unwrapIdentity(manifest.key, identities);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const other = await identityBeside(store, folder, identities);
    if (other !== undefined) return other;
    throw error;
  }
}

/** Undefined where key.age opens no better: what the manifest's own key said is then the error that counts. */
async function identityBeside(store: Store, folder: string, identities: string): Promise<string | undefined> {
  try {
    const bytes = await store.readSmall(`${folder}/${KEY_FILE}`);
    return bytes === undefined ? undefined : await unwrapIdentity(Buffer.from(bytes).toString('utf8'), identities);
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
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
