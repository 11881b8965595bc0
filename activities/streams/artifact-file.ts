/** The file that a stream ends in: counted and digested on the way, synced at the end, removed when anything fails. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Stored } from '../storage/types.ts';
import { readBlocks } from './blocks.ts';
import { writeError } from './file-errors.ts';

export interface ArtifactFile {
  /** Writes what comes from a pipe to the file's end, and syncs it. Takes over the descriptor. */
  readonly write: (fd: number, signal: AbortSignal) => Promise<void>;
  /** Bytes written so far. */
  readonly bytes: () => number;
  readonly stored: () => Stored;
}

/** Runs `fill` with a new file (0600, never an existing one), and removes the file unless it succeeds. */
export async function withArtifactFile<T>(path: string, fill: (file: ArtifactFile) => Promise<T>): Promise<T> {
  const handle = await openNew(path);
  try {
    const result = await fill(artifactFile(path, handle));
    await handle.close();
    return result;
  } catch (error) {
    // The file is removed next: what counts is why it was not finished.
    await handle.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}

function artifactFile(path: string, handle: FileHandle): ArtifactFile {
  const hash = createHash('sha256');
  let bytes = 0;
  let sha256: string | undefined;
  async function take(block: Buffer): Promise<void> {
    hash.update(block);
    await writeAll(handle, block);
  }
  return {
    bytes: () => bytes,
    stored() {
      if (sha256 === undefined) throw new TypeError('not written to its end');
      return { bytes, sha256 };
    },
    async write(fd, signal) {
      try {
        await readBlocks(fd, signal, { take, onBytes: (more) => (bytes += more) });
        await handle.sync();
      } catch (error) {
        throw writeError(path, error, bytes);
      }
      sha256 = hash.digest('hex');
    },
  };
}

/** A write may take only a part, on a disk that is nearly full for one: then the next one says why. */
async function writeAll(handle: FileHandle, block: Buffer): Promise<void> {
  for (let done = 0; done < block.length;) {
    const { bytesWritten } = await handle.write(block, done, block.length - done);
    done += bytesWritten;
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    throw writeError(path, error, 0);
  }
}
