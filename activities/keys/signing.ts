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

/** `foreign`: by a key that is not trusted here. `bad`: by a trusted key's name, but not over this form. */
export type SignatureVerdict = 'good' | 'foreign' | 'bad';

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

/** Whether a signature is over this form, by one of the trusted public keys. */
export function verifySignature(form: string, signature: Signature, trusted: readonly string[]): SignatureVerdict {
  const publicKey = trusted.find((candidate) => keyIdOf(candidate) === signature.keyId);
  if (publicKey === undefined) return 'foreign';
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') },
    format: 'jwk',
  });
  const bytes = Buffer.from(signature.ed25519, 'base64');
  return verify(null, Buffer.from(form, 'utf8'), key, bytes) ? 'good' : 'bad';
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
