/** Whether an identity opens an encrypted stream, by the stream's header alone. */
import type { Readable } from 'node:stream';
import { Decrypter } from 'age-encryption';
import { readError } from '../streams/file-errors.ts';

/** No header of ours comes near it: one recipient takes some 200 bytes. */
const LONGEST_HEADER = 64 * 1024;

/**
 * Reads the header of an age stream, and no more of it, and tries the identity on it. The header's own MAC is checked,
 * nothing behind it. Destroys the stream.
 * @throws BackupError `failed` where the stream cannot be read; what the place fails with.
 */
export async function opensHeader(identity: string, stream: Readable): Promise<boolean> {
  const header = await readHeader(stream);
  if (header === undefined) return false;
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decryptHeader(header).then(
    () => true,
    () => false,
  );
}

/** From the first byte to the end of the line `--- MAC` (age-encryption.org/v1); undefined where there is none. */
async function readHeader(stream: Readable): Promise<Uint8Array | undefined> {
  let read = Buffer.alloc(0);
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      read = Buffer.concat([read, chunk]);
      const mac = read.indexOf('\n--- ');
      const end = mac < 0 ? -1 : read.indexOf('\n', mac + 1);
      if (end >= 0) return read.subarray(0, end + 1);
      if (read.length > LONGEST_HEADER) return undefined;
    }
    return undefined;
  } catch (error) {
    throw readError('an artifact', error);
  } finally {
    stream.destroy();
  }
}
