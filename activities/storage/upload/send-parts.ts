/** Sends the parts of a file beside each other, and digests it on the way. */
import type { FileHandle } from 'node:fs/promises';
import type { Work } from '../../work.ts';
import { damagedFile, isEqual } from '../damaged-file.ts';
import type { Stored } from '../types.ts';
import type { Cut } from './cut.ts';
import { partReader, type FilePart } from './part-reader.ts';
import { watchSending, type Sending } from './sending.ts';

export interface PartsToSend<Known> {
  readonly key: string;
  /** The file's name, for messages. */
  readonly file: string;
  readonly opened: FileHandle;
  readonly expected: Stored;
  readonly cut: Cut;
  /** Whether `send` needs the digest of each mebibyte. */
  readonly mebibytes?: boolean;
  /** Name of the destination. */
  readonly to: string;
  /** Sends a part unless the other side holds it; returns what it is known by. The part's memory is used again after that. */
  readonly send: (part: FilePart, sending: Sending) => Promise<Known>;
  readonly work: Work;
}

/**
 * What all parts are known by, in their order.
 * @throws BackupError `verification-failed` when the file is not what is expected.
 */
export async function sendParts<Known>(parts: PartsToSend<Known>): Promise<readonly Known[]> {
  const { key, file, opened, expected, cut, mebibytes = false, to, send, work } = parts;
  const sending = watchSending(`copying to ${to}`, expected.bytes, work);
  const reader = partReader({ file, opened, cut, bytes: expected.bytes, mebibytes });
  const known: Known[] = [];

  async function lane(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(cut.size);
    for (;;) {
      sending.signal.throwIfAborted();
      const part = await reader.next(buffer);
      if (part === undefined) return;
      known[part.number - 1] = await send(part, sending);
      sending.acknowledged(part.number, part.bytes.length);
    }
  }

  await sending.during(() => together(cut.lanes, lane, sending));
  const found = reader.stored();
  if (!isEqual(found, expected)) throw damagedFile({ key, file, expected, found, to });
  return known;
}

/** Runs lanes beside each other. The first failure ends the others, and is told once all have ended: their memory is in use until then. */
async function together(count: number, lane: () => Promise<void>, sending: Sending): Promise<void> {
  let first: { readonly error: unknown } | undefined;
  await Promise.all(
    Array.from({ length: count }, async () => {
      try {
        await lane();
      } catch (error) {
        first ??= { error };
        sending.end();
      }
    }),
  );
  if (first !== undefined) throw first.error;
}
