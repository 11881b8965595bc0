/** A file of bytes that nobody compresses: what an encrypted artifact is to whoever stores it. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Stored } from '../../../activities/storage/types.ts';
import { randomBytes } from './random.ts';

export interface ArtifactOptions {
  readonly file: string;
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
}

const BLOCK = 2 ** 22;

/** The same every time. */
export async function makeArtifact({ file, bytes, signal, onProgress }: ArtifactOptions): Promise<Stored> {
  const random = randomBytes('artifact');
  const digest = createHash('sha256');
  const opened = await open(file, 'wx', 0o644);
  try {
    for (let written = 0; written < bytes; written += BLOCK) {
      signal.throwIfAborted();
      onProgress(written);
      const block = random.bytes(Math.min(BLOCK, bytes - written));
      digest.update(block);
      await opened.writeFile(block);
    }
  } finally {
    await opened.close();
  }
  return { bytes, sha256: digest.digest('hex') };
}
