/** Shapes of public keys, as they stand in a config. Pure: the cryptography is in activities/keys. */

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;
const PREFIX = 'age';

/**
 * Whether a text is an age recipient (X25519, `age1…`), its checksum included, so that a typing error is seen
 * when the config is read and not when a backup turns out to open with no key. Plugin, SSH and post-quantum
 * recipients are none: the `age` of today's stable distributions does not open them.
 */
export function isRecipient(text: string): boolean {
  if (!/^age1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}$/.test(text)) return false;
  const values = Array.from(text.slice(PREFIX.length + 1), (letter) => BECH32.indexOf(letter));
  // 52 values carry 32 bytes and four bits of padding, which are zero.
  return checksum([...expandedPrefix(), ...values]) === 1 && ((values[51] ?? 0) & 0b1111) === 0;
}

/** Whether a text is an Ed25519 public key: base64 of its 32 raw bytes. */
export function isPublicKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text);
}

function expandedPrefix(): readonly number[] {
  const codes = Array.from(PREFIX, (letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function checksum(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, term] of GENERATOR.entries()) {
      if ((top >>> bit) & 1) sum ^= term;
    }
  }
  return sum;
}
