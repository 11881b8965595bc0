/**
 * The X25519 stanzas of an age header (age-encryption.org/v1), one a recipient. Made here rather than by the library, so
 * that each can be opened again without its recipient's identity: the one secret that only its maker has, the
 * ephemeral one, is derived from what is wrapped and from the file key, and not drawn. Whoever opens a wrap with any one
 * identity can so tell, of every other recipient by name, that its stanza is there and opens to the same file key.
 *
 * To everybody else it is as good as drawn: it comes out of HKDF over a secret identity of 256 bits and a random file
 * key, so it is a new one for each wrap. Every `age` opens it: the format is the same.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from 'node:crypto';
import { Stanza } from 'age-encryption';
import { keyBytes } from '../../model/keys.ts';

export { Stanza };

const TYPE = 'X25519';
/** What OpenSSL writes before the 32 bytes of a key (RFC 8410). */
const PRIVATE_DER = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b656e032100', 'hex');
const LABEL = 'age-encryption.org/v1/X25519';
const EPHEMERAL = 'mosaic-backup/ephemeral@1';

/** The stanza that wraps a file key for a recipient, for this secret and no other. @param recipient `age1…`. */
export function stanzaFor(recipient: string, fileKey: Uint8Array, secret: string): Stanza {
  const ephemeral = hash(secret, fileKey, `${EPHEMERAL} ${recipient}`);
  const share = publicOf(ephemeral);
  const theirs = bytesOf(recipient);
  const key = wrapKey(agreed(ephemeral, theirs), share, theirs);
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
  return new Stanza([TYPE, unpadded(share)], new Uint8Array(body));
}

/** Whether two stanzas are the same, byte by byte. */
export function sameStanza(one: Stanza, two: Stanza): boolean {
  return one.args.join(' ') === two.args.join(' ') && Buffer.from(one.body).equals(two.body);
}

/** The file key in a stanza; undefined where this identity does not open it. @param identity `AGE-SECRET-KEY-1…`. */
export function openStanza(identity: string, stanza: Stanza): Uint8Array | undefined {
  const [type, text = ''] = stanza.args;
  const share = Buffer.from(text, 'base64');
  if (type !== TYPE || share.length !== 32 || stanza.body.length !== 32) return undefined;
  const own = bytesOf(identity);
  try {
    return opened(wrapKey(agreed(own, share), share, publicOf(own)), stanza.body);
  } catch {
    // Another recipient's, a share that is no point: this identity does not open it. There is nothing else to say.
    return undefined;
  }
}

/** @throws where the tag is not right. */
function opened(key: Uint8Array, body: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  decipher.setAuthTag(body.subarray(16));
  return new Uint8Array(Buffer.concat([decipher.update(body.subarray(0, 16)), decipher.final()]));
}

function agreed(own: Uint8Array, theirs: Uint8Array): Buffer {
  return diffieHellman({ privateKey: privateKey(own), publicKey: publicKey(theirs) });
}

function wrapKey(shared: Uint8Array, share: Uint8Array, recipient: Uint8Array): Buffer {
  return hash(shared, Buffer.concat([share, recipient]), LABEL);
}

function hash(secret: Uint8Array | string, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32));
}

function publicOf(secret: Uint8Array): Buffer {
  return createPublicKey(privateKey(secret)).export({ type: 'spki', format: 'der' }).subarray(PUBLIC_DER.length);
}

function privateKey(bytes: Uint8Array) {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_DER, bytes]), type: 'pkcs8', format: 'der' });
}

function publicKey(bytes: Uint8Array) {
  return createPublicKey({ key: Buffer.concat([PUBLIC_DER, bytes]), type: 'spki', format: 'der' });
}

function bytesOf(key: string): Uint8Array {
  const bytes = keyBytes(key);
  if (bytes === undefined) throw new TypeError('not an age key');
  return bytes;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
