/** Ed25519 signatures over signed forms (RFC 8785 canonical JSON). */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { BackupError } from '../../model/errors.ts';
import { isPublicKey } from '../../model/keys.ts';
import type { Signature } from '../../model/manifest.ts';

export interface Signer {
  readonly keyId: string;
  /** base64 of the 32 raw bytes, as it stands in `signing.trusted`. */
  readonly publicKey: string;
  sign(form: string): Signature;
}

/**
 * `foreign`: by a key that is not known here. `bad`: by a known key's name, but not over this form. `revoked`: by a key that
 * was trusted once, and over this form, which whoever has that key now could have made.
 */
export type SignatureVerdict = 'good' | 'foreign' | 'bad' | 'revoked';

/** A key that is no longer believed. */
export interface RevokedKey {
  readonly publicKey: string;
  /** RFC 3339: what it signed before then is believed still, by the time that the signed form itself names. Null: nothing is. */
  readonly since: string | null;
}

/** A public key that signatures are held against: as text, one that is believed without limits. */
export type TrustedKey = string | RevokedKey;

/** A fresh signing key: PKCS #8 PEM for the host, public key for the config and the recovery kit. */
export function newSigningKey(): { readonly privatePem: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: rawPublicKey(publicKey),
  };
}

/**
 * A signer from a host's private key.
 * @throws BackupError `config` when the text is no Ed25519 key.
 */
export function signer(privatePem: string): Signer {
  const key = privateKeyOf(privatePem);
  const publicKey = rawPublicKey(createPublicKey(key));
  const keyId = keyIdOf(publicKey);
  return {
    keyId,
    publicKey,
    sign: (form) => ({ keyId, ed25519: sign(null, Buffer.from(form, 'utf8'), key).toString('base64') }),
  };
}

/**
 * Whether a signature is over this form, by one of the trusted public keys.
 * @param time of the signing, as the form says; without it nothing by a revoked key is believed.
 */
export function verifySignature(
  form: string,
  signature: Signature,
  trusted: readonly TrustedKey[],
  time?: string,
): SignatureVerdict {
  const known = trusted.find((candidate) => keyIdOf(publicKeyOf(candidate)) === signature.keyId);
  if (known === undefined) return 'foreign';
  if (!isOver(form, signature, publicKeyOf(known))) return 'bad';
  if (typeof known === 'string') return 'good';
  return isBefore(time, known.since) ? 'good' : 'revoked';
}

/** The key itself. */
export function publicKeyOf(key: TrustedKey): string {
  return typeof key === 'string' ? key : key.publicKey;
}

function isBefore(time: string | undefined, since: string | null): boolean {
  return time !== undefined && since !== null && Date.parse(time) < Date.parse(since);
}

function isOver(form: string, signature: Signature, publicKey: string): boolean {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') },
    format: 'jwk',
  });
  const bytes = Buffer.from(signature.ed25519, 'base64');
  return verify(null, Buffer.from(form, 'utf8'), key, bytes);
}

/** The short name of a public key: the first 16 hex digits of the SHA-256 of its raw bytes. */
export function keyIdOf(publicKey: string): string {
  if (!isPublicKey(publicKey)) {
    throw new BackupError('config', `"${publicKey}" is not an Ed25519 public key.`, {
      remedy: 'A key under signing.trusted is the base64 of 32 bytes, 44 characters.',
    });
  }
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex').slice(0, 16);
}

function privateKeyOf(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Falls through to our own error: OpenSSL's says nothing that helps, and could quote the key.
  }
  throw new BackupError('config', 'The signing key is not an Ed25519 private key in PEM.', {
    remedy: 'Make one with `mosaic-backup init`, or with `openssl genpkey -algorithm ed25519`.',
  });
}

function rawPublicKey(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' });
  if (x === undefined) throw new TypeError('not an Ed25519 key');
  return Buffer.from(x, 'base64url').toString('base64');
}
