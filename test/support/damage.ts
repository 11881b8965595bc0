/** What happens to disks: a byte that changes, and no room that is left. */
import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { errnoOf } from '../../activities/storage/fs-errors.ts';

/** Changes one byte of a file, which stays as long as it was. */
export async function damageFile(name: string, at = 500): Promise<void> {
  const file = await open(name, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([byte.readUInt8() ^ 1]), 0, 1, at);
  await file.close();
}

/** Writes into a file until its disk is full. */
export async function fillDisk(name: string): Promise<void> {
  const filler = await open(name, 'a');
  try {
    for (;;) await filler.write(Buffer.alloc(65_536));
  } catch (error) {
    assert.equal(errnoOf(error), 'ENOSPC');
  } finally {
    await filler.close();
  }
}
