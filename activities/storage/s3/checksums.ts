/** SHA-256 as S3 writes it: base64, and for an object of several parts the digest of the parts' digests. */
import { createHash } from 'node:crypto';

/** The checksum of an object that was put in one piece. */
export function wholeChecksum(sha256: string): string {
  return Buffer.from(sha256, 'hex').toString('base64');
}

/** The composite checksum of an object of several parts. AWS writes it with the number of parts behind, others without. */
export function compositeChecksum(parts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('base64');
}

/** Whether the server computed this checksum; undefined where it tells none. */
export function agrees(told: string | undefined, wanted: string): boolean | undefined {
  if (told === undefined) return undefined;
  return told.replace(/-\d+$/, '') === wanted;
}
