/**
 * File names are bytes, inventories are text. A name that is valid UTF-8 stands as it is; each byte that is not
 * part of valid UTF-8 becomes the lone surrogate U+DC00 + byte (Python's "surrogateescape", PEP 383), which JSON
 * writes as `\udcff`. So every name has one text, and every text gives its bytes back.
 *
 * In between, names are "byte strings": JavaScript strings with one character for each byte (latin1).
 */
import { isUtf8 } from 'node:buffer';

const BEYOND_ASCII = /[\u0080-\u00ff]/;
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The text of a byte string. */
export function textOf(bytes: string): string {
  if (!BEYOND_ASCII.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : escapeInvalid(buffer);
}

function escapeInvalid(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at] ?? 0);
    const sequence = bytes.subarray(at, at + length);
    if (sequence.length === length && isUtf8(sequence)) {
      text += sequence.toString('utf8');
      at += length;
    } else {
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    }
  }
  return text;
}

/** How long the UTF-8 sequence is that a byte begins. */
function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** The byte string of a text. */
export function bytesOf(text: string): string {
  return bufferOf(text).toString('latin1');
}

/** The bytes of a text, for calls of the system. */
export function bufferOf(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character, 'utf8');
  });
  return Buffer.concat(parts);
}

/** Undoes tar's `--quoting-style=c` (without the quotes), to a byte string. */
export function unquote(quoted: string): string {
  if (!quoted.includes('\\')) return quoted;
  return quoted.replace(/\\([0-7]{1,3}|.)/g, (_whole, escape: string) => {
    if (escape >= '0' && escape < '8') return String.fromCharCode(Number.parseInt(escape, 8));
    return ESCAPES[escape] ?? escape;
  });
}

/** A name for people and manifests: well-formed text on one line; odd bytes as `\xff`, line breaks as `\n`. */
export function showName(text: string): string {
  const oneLine = text.replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  if (oneLine.isWellFormed()) return oneLine;
  return Array.from(oneLine, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= 0xdc80 && code <= 0xdcff ? `\\x${(code - 0xdc00).toString(16)}` : character;
  }).join('');
}

/** A path relative to the root as people know it: from the root. */
export function showPath(path: string): string {
  return `/${showName(path)}`;
}
