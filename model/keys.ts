/** Shapes of public keys, as they stand in a config. Pure: the cryptography is in activities/keys. */

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;
const PREFIX = 'age';
const PREFIXES = [PREFIX, 'age-secret-key-'] as const;

/**
 * Whether a text is an age recipient (X25519, `age1…`), its checksum included, so that a typing error is seen
 * when the config is read and not when a backup turns out to open with no key. Plugin, SSH and post-quantum
 * recipients are none: the `age` of today's stable distributions does not open them.
 */
export function isRecipient(text: string): boolean {
  if (!/^age1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}$/.test(text)) return false;
  const values = Array.from(text.slice(PREFIX.length + 1), (letter) => BECH32.indexOf(letter));
  // 52 values carry 32 bytes and four bits of padding, which are zero.
  return checksum([...expanded(PREFIX), ...values]) === 1 && ((values[51] ?? 0) & 0b1111) === 0;
}

/** The 32 bytes of an age recipient or identity (X25519); undefined where the text is neither, by its checksum too. */
export function keyBytes(text: string): Uint8Array | undefined {
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) return undefined;
  const prefix = PREFIXES.find((each) => lower.startsWith(`${each}1`) && lower.length === each.length + 59);
  if (prefix === undefined) return undefined;
  const values = Array.from(lower.slice(prefix.length + 1), (letter) => BECH32.indexOf(letter));
  if (values.includes(-1) || checksum([...expanded(prefix), ...values]) !== 1) return undefined;
  return bytesOf(values.slice(0, 52));
}

/** Five bits a value; the four of padding at the end are zero. */
function bytesOf(values: readonly number[]): Uint8Array | undefined {
  const bytes: number[] = [];
  let [held, bits] = [0, 0];
  for (const value of values) {
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  return (held & ((1 << bits) - 1)) === 0 ? Uint8Array.from(bytes) : undefined;
}

/** Whether a text is an Ed25519 public key: base64 of its 32 raw bytes. */
export function isPublicKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text);
}

function expanded(prefix: string): readonly number[] {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
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
