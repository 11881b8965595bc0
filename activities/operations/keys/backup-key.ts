/** The key of one backup at one place, as it lies there: in the manifest, and once more beside the artifacts. */
import { BackupError } from '../../../model/errors.ts';
import type { Artifact, Manifest } from '../../../model/manifest.ts';
import { KEY_FILE, MANIFEST } from '../../../model/paths.ts';
import { formatReference } from '../../../model/reference.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import { opensHeader } from '../../keys/header.ts';
import { openWrap, type Holder, type OpenedWrap } from '../../keys/wrap.ts';
import { checkManifest, parseManifest } from '../../storage/manifest-file.ts';
import type { Store } from '../../storage/types.ts';

export interface Looking {
  readonly store: Store;
  readonly folder: string;
  readonly holders: readonly Holder[];
  readonly recipients: readonly string[];
  readonly trusted: readonly TrustedKey[];
  /** Wraps of this backup that were opened before, by their text. */
  readonly known?: Map<string, StoredWrap>;
}

/** A wrap as it lies there; what was said where it did not open. */
export interface StoredWrap {
  readonly text: string;
  readonly opened: OpenedWrap | BackupError;
}

export interface StoredKey {
  readonly manifest: Manifest;
  /** The manifest's `key`. */
  readonly inManifest: StoredWrap;
  /** key.age; undefined where there is none. */
  readonly beside: StoredWrap | undefined;
}

/**
 * Reads both, from the place itself.
 * @throws BackupError `not-found` without a manifest, `verification-failed` or `not-authentic` where it is not one of ours: then
 *   nothing it says is believed, and nothing is written in its place.
 */
export async function readKey(looking: Looking): Promise<StoredKey> {
  const { store, folder, trusted } = looking;
  const bytes = await store.readSmall(`${folder}/${MANIFEST}`);
  if (bytes === undefined) {
    throw new BackupError('not-found', `${folder} has no ${MANIFEST} any more.`, {
      remedy: 'It was deleted meanwhile: nothing is to be done.',
    });
  }
  const manifest = parseManifest(bytes);
  checkManifest(manifest, trusted);
  const file = await store.readSmall(`${folder}/${KEY_FILE}`);
  const inManifest = await opening(looking, manifest.key);
  const text = file === undefined ? undefined : Buffer.from(file).toString('utf8');
  const beside = text === manifest.key ? inManifest : text === undefined ? undefined : await opening(looking, text);
  return { manifest, inManifest, beside };
}

/** A wrap is opened once, however often it is read: that is most of the work. */
export async function opening({ holders, recipients, known }: Looking, text: string): Promise<StoredWrap> {
  const before = known?.get(text);
  if (before) return before;
  const wrap = { text, opened: await openWrap(text, holders, recipients).catch(said) };
  known?.set(text, wrap);
  return wrap;
}

/** The identity in a wrap; undefined where it did not open. */
export function identityIn(wrap: StoredWrap | undefined): string | undefined {
  return wrap === undefined || wrap.opened instanceof BackupError ? undefined : wrap.opened.identity;
}

/**
 * Whether an identity is the one that this backup was encrypted to, by an artifact's header: the signature leaves `key`
 * out. Null where no artifact can be read at once (cold storage), which says nothing.
 */
export async function fitsArtifacts(
  store: Store,
  folder: string,
  { artifacts }: { readonly artifacts: readonly Artifact[] },
  identity: string,
): Promise<boolean | null> {
  for (const { name } of artifacts) {
    const stream = await store.open(`${folder}/${name}`).catch(said);
    const opens = stream instanceof BackupError ? stream : await opensHeader(identity, stream).catch(said);
    if (!(opens instanceof BackupError)) return opens;
    if (opens.code === 'unreachable' || opens.code === 'aborted') throw opens;
  }
  return null;
}

/** Name of a backup for messages. */
export function nameOf(manifest: Manifest): string {
  return formatReference(manifest);
}

function said(error: unknown): BackupError {
  if (error instanceof BackupError) return error;
  throw error;
}
