/** manifest.json as bytes: parsing, signing, checking. */
import { createHash } from 'node:crypto';
import { BackupError } from '../../model/errors.ts';
import { manifest as manifestSchema, signedForm } from '../../model/manifest.ts';
import type { Manifest, UnsignedManifest } from '../../model/manifest.ts';
import { formatReference } from '../../model/reference.ts';
import type { PinnedReference } from '../../model/reference.ts';
import { verifySignature } from '../keys/signing.ts';
import type { SignatureVerdict, Signer, TrustedKey } from '../keys/signing.ts';
import { parseRecord } from './record.ts';

/**
 * A manifest from its bytes. What comes back is the parsed JSON itself, unknown fields and all, so that writing it
 * again keeps its signed form.
 * @throws BackupError `verification-failed`, whose message says what is wrong with it.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  const manifest = parseRecord(bytes, manifestSchema, 'manifest', unsigned);
  signedFormOf(manifest);
  return manifest;
}

/** The same, undefined where it is none: whoever looks for what is there counts a damaged one as missing. */
export function readableManifest(bytes: Uint8Array): Manifest | undefined {
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}

/** The bytes of a manifest file: for people and `jq` to read. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`, 'utf8');
}

export function signManifest(unsigned: UnsignedManifest, signer: Signer): Manifest {
  return { ...unsigned, signature: signer.sign(signedForm(unsigned)) };
}

/** Whose signature a manifest bears, and whether it is over this manifest. */
export function manifestVerdict(manifest: Manifest, trusted: readonly TrustedKey[]): SignatureVerdict {
  return verifySignature(signedForm(manifest), manifest.signature, trusted, manifest.finished);
}

/** @throws BackupError `not-authentic` unless a trusted key signed exactly this manifest. */
export function checkManifest(manifest: Manifest, trusted: readonly TrustedKey[]): void {
  const verdict = manifestVerdict(manifest, trusted);
  if (verdict === 'good') return;
  const reference = formatReference(manifest);
  const facts = { reference, keyId: manifest.signature.keyId, verdict };
  if (verdict === 'bad') {
    throw new BackupError('not-authentic', `The manifest of ${reference} was changed after it was signed.`, {
      remedy: 'Do not restore from it. Use another copy; look at who can write to this place.',
      facts,
    });
  }
  if (verdict === 'revoked') {
    throw new BackupError(
      'not-authentic',
      `The manifest of ${reference} is signed by a key that was revoked (${manifest.signature.keyId}): whoever has that key could have made it.`,
      {
        remedy:
          'Do not restore from it, unless you know by other means that it is older than the theft: then give that time as "since" under signing.revoked.',
        facts,
      },
    );
  }
  throw new BackupError(
    'not-authentic',
    `The manifest of ${reference} is signed by a key that is not trusted here (${manifest.signature.keyId}).`,
    {
      remedy:
        'If it is the key of a host of this site, add its public key to signing.trusted; else do not restore from it.',
      facts,
    },
  );
}

/** The reference of a backup with the digest of its signed form, as children and recovery points store it. */
export function pinned(manifest: Manifest): PinnedReference {
  return { reference: formatReference(manifest), sha256: manifestDigest(manifest) };
}

/** Digests of manifests that are in memory: a catalogue is asked for each several times. */
const DIGESTS = new WeakMap<object, string>();

/** SHA-256, lowercase hex, of a manifest's signed form. */
export function manifestDigest(manifest: Manifest): string {
  const known = DIGESTS.get(manifest);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(signedForm(manifest), 'utf8').digest('hex');
  DIGESTS.set(manifest, digest);
  return digest;
}

/** Says what the digest of a manifest is, where it was computed before. */
export function knowDigest(manifest: Manifest, sha256: string): void {
  DIGESTS.set(manifest, sha256);
}

/** A manifest without a signature is told as what it is, before the shape of the rest. */
function unsigned(value: unknown): string | undefined {
  const hasNone = typeof value === 'object' && value !== null && !('signature' in value && value.signature);
  return hasNone ? 'The manifest is not signed: whoever can write there could have made it.' : undefined;
}

function signedFormOf(manifest: Manifest): string {
  try {
    return signedForm(manifest);
  } catch (cause) {
    throw new BackupError(
      'verification-failed',
      'The manifest holds text that is not Unicode, so that it has no signed form.',
      { cause },
    );
  }
}
