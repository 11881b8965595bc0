/**
 * The key of one backup at one place, wrapped anew to the recipients of now. `key.age` first: it is written, read back, and opened
 * for every recipient, while all that restores read is the manifest, which still has the old wrap. Only then is the
 * manifest replaced, by the very bytes that were just shown to open, and read back as well. A kill between any two steps
 * leaves the old wrap in one of the two and the new one in the other, or either in both: it opens with the old key or
 * the new one, and the same again finishes it.
 */
import { BackupError } from '../../../model/errors.ts';
import { KEY_FILE, MANIFEST } from '../../../model/paths.ts';
import { wrapIdentity } from '../../keys/identity.ts';
import { isExactly } from '../../keys/wrap.ts';
import { encodeManifest, manifestDigest } from '../../storage/manifest-file.ts';
import type { WritableStore } from '../../storage/types.ts';
import {
  fitsArtifacts,
  identityIn,
  opening,
  readKey,
  type Looking,
  type StoredKey,
  type StoredWrap,
} from './backup-key.ts';

export interface Rewrapping extends Looking {
  readonly store: WritableStore;
  /** Name of the place, for messages. */
  readonly place: string;
  /** The same backup's wrap at the place that was done first, so that copies have the same bytes. It is looked at before it is taken. */
  readonly elsewhere: (digest: string) => Promise<string | undefined>;
}

/**
 * @returns whether anything had to be written.
 * @throws BackupError with what cannot be done to this backup here, and why; nothing that opens is then lost.
 */
export async function rewrapKey(asked: Rewrapping): Promise<'rewritten' | 'kept'> {
  const request = { ...asked, known: new Map<string, StoredWrap>() };
  const stored = await readKey(request);
  if (isDone(stored)) return 'kept';
  const identity = await ownIdentity(request, stored);
  const wrapped = await newWrap(request, stored, identity);
  const beside = await putKey(request, stored, wrapped, identity);
  await putManifest(request, stored, beside);
  return 'rewritten';
}

/** Both are for exactly the recipients of now, and the same. */
export function isDone({ inManifest, beside }: StoredKey): boolean {
  return isGood(inManifest) && beside !== undefined && beside.text === inManifest.text;
}

function isGood({ opened }: StoredWrap): boolean {
  return !(opened instanceof BackupError) && isExactly(opened);
}

/** What the artifacts were encrypted to. Of two wraps that hold different keys, the one that fits counts. */
async function ownIdentity({ store, folder, place }: Rewrapping, stored: StoredKey): Promise<string> {
  const { manifest, inManifest, beside } = stored;
  const found = [...new Set([identityIn(inManifest), identityIn(beside)].filter((each) => each !== undefined))];
  if (found.length === 0) throw inManifest.opened instanceof BackupError ? inManifest.opened : new TypeError('opened');
  const [first = '', second] = found;
  const fits = await fitsArtifacts(store, folder, manifest, first);
  // Where no artifact can be read, both wraps must hold one key: whoever swapped it would have had to swap both.
  if (fits ?? second === undefined) return first;
  if (second !== undefined && (await fitsArtifacts(store, folder, manifest, second))) return second;
  throw new BackupError(
    'verification-failed',
    `What is stored at ${place} as the key of this backup does not open it.`,
    {
      remedy: 'It was left as it is. Look at who can write there; another copy of the backup has the right key.',
    },
  );
}

async function newWrap(
  request: Rewrapping,
  { manifest, inManifest, beside }: StoredKey,
  identity: string,
): Promise<string> {
  // What an attempt before this one has written is gone on with.
  const good = [beside, inManifest].find((wrap) => wrap && isGood(wrap) && identityIn(wrap) === identity);
  if (good) return good.text;
  const offered = await request.elsewhere(manifestDigest(manifest));
  const taken = offered === undefined ? undefined : await opening(request, offered);
  // What lies there may have been swapped: it counts only where it holds this very key.
  if (taken && isGood(taken) && identityIn(taken) === identity) return taken.text;
  return wrapIdentity(identity, request.recipients);
}

/** @returns what lies there now: another rotation may just have written one as good. */
async function putKey(request: Rewrapping, stored: StoredKey, wrapped: string, identity: string): Promise<string> {
  const { store, folder, place } = request;
  if (stored.beside?.text !== wrapped) {
    await replacing(request, KEY_FILE, () =>
      store.putSmall(`${folder}/${KEY_FILE}`, Buffer.from(wrapped, 'utf8'), { replace: true }),
    );
  }
  const { beside } = await readKey(request);
  if (beside && isGood(beside) && identityIn(beside) === identity) return beside.text;
  throw unchanged(place, KEY_FILE);
}

async function putManifest(request: Rewrapping, { manifest }: StoredKey, key: string): Promise<void> {
  const { store, folder, place } = request;
  if (manifest.key !== key) {
    await replacing(request, MANIFEST, () =>
      store.putSmall(`${folder}/${MANIFEST}`, encodeManifest({ ...manifest, key }), { replace: true }),
    );
  }
  const after = await readKey(request);
  if (manifestDigest(after.manifest) === manifestDigest(manifest) && isDone(after)) return;
  throw unchanged(place, MANIFEST);
}

/** Codes by which a place says that it does not overwrite. */
const REFUSALS: ReadonlySet<string> = new Set(['access-denied', 'refused', 'conflict']);

async function replacing({ place }: Rewrapping, what: string, put: () => Promise<void>): Promise<void> {
  try {
    await put();
  } catch (error) {
    if (!(error instanceof BackupError) || !REFUSALS.has(error.code)) throw error;
    throw new BackupError('refused', `${place} does not let ${what} be replaced: ${error.message}`, {
      remedy: REMEDY,
      facts: { place, code: error.code },
      cause: error,
    });
  }
}

/** Some places say yes and change nothing. */
function unchanged(place: string, what: string): BackupError {
  return new BackupError('refused', `${place} took a new ${what}, and what is read back there is not that.`, {
    remedy: REMEDY,
    facts: { place },
  });
}

const REMEDY =
  'What lies there stays open to its old recipients, and to them alone, until retention removes it. Where the place can be told to let these two small files be replaced, do so and rotate again; artifacts are never rewritten.';
