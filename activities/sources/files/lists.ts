/**
 * What each backup of the newest chain archived, kept in state beside tar's snapshot file: the lines of its
 * inventory, compressed. tar names only what it archives, so the inventory of an incremental is those of its parents
 * and its own; the disk need not be walked a second time for what has not changed.
 */
import { once } from 'node:events';
import { access, open, rm } from 'node:fs/promises';
import { BackupError } from '../../../model/errors.ts';
import path from 'node:path';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { createReadStream } from 'node:fs';

/** Node's own 16 KiB would be a thousand events for a hundred thousand files. */
const BLOCK = 512 * 1024;

export function listFile(state: string, token: string): string {
  return path.join(state, `list-${token}.zst`);
}

/** Whether the lists of all these backups are there; a lost one costs a full. */
export async function haveLists(state: string, tokens: readonly string[]): Promise<boolean> {
  const found = await Promise.allSettled(tokens.map((token) => access(listFile(state, token))));
  return found.every(({ status }) => status === 'fulfilled');
}

/**
 * A list, many lines at once, without the last line break of each block.
 * @throws BackupError `failed` when it is damaged.
 */
export async function* readList(state: string, token: string): AsyncGenerator<string> {
  const plain = createZstdDecompress({ chunkSize: BLOCK }).setEncoding('utf8');
  const source = createReadStream(listFile(state, token)).on('error', (error) => plain.destroy(error));
  let rest = '';
  try {
    for await (const text of source.pipe(plain) as AsyncIterable<string>) {
      const end = text.lastIndexOf('\n');
      if (end >= 0) yield rest + text.slice(0, end);
      rest = end < 0 ? rest + text : text.slice(end + 1);
    }
  } catch (cause) {
    // Taken away, so that it does not fail every attempt: without it the next one is a full.
    await rm(listFile(state, token), { force: true });
    throw new BackupError('failed', `a list in ${state} is damaged, so the next attempt is a full`, { cause });
  } finally {
    source.destroy();
  }
}

export interface ListWriter {
  /** One line or several, without the last line break. */
  write(lines: string): Promise<void>;
  /** Makes it durable. */
  close(): Promise<void>;
  /** Gives it up. */
  abandon(): Promise<void>;
}

export async function createList(state: string, token: string): Promise<ListWriter> {
  const file = await open(listFile(state, token), 'w', 0o600);
  const compressor = createZstdCompress({ chunkSize: BLOCK, params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  const written = pipeline(compressor, file.createWriteStream({ flush: true }));
  // Whoever writes or closes gets the failure.
  written.catch(() => undefined);
  return {
    async write(lines) {
      if (!compressor.write(`${lines}\n`)) await Promise.race([once(compressor, 'drain'), written]);
    },
    async close() {
      compressor.end();
      await written;
    },
    async abandon() {
      compressor.destroy();
      // Destroying it is what makes it fail.
      await written.catch(() => undefined);
    },
  };
}
