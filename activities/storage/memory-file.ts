/** Small files of state that may be lost: what is remembered to spare work. Damaged, they count as lost. */
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import { makePath, publish, writeNew } from './durable.ts';
import { ifThere, translated } from './fs-errors.ts';
import { parseRecord } from './record.ts';

/** Undefined where it is not there, or is none of ours. */
export async function readMemoryFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  const bytes = await translated(file, 'reading what is remembered', () => ifThere(readFile(file)));
  if (bytes === undefined) return undefined;
  try {
    return parseRecord(bytes, schema, `memory ${file}`);
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}

/** Replaces it whole, and makes its folder where it lacks. */
export async function writeMemoryFile(file: string, value: object): Promise<void> {
  await translated(file, 'remembering', async () => {
    await makePath(path.dirname(file));
    const temporary = `${file}.${randomUUID()}`;
    try {
      await writeNew(temporary, Buffer.from(`${JSON.stringify(value)}\n`));
      await publish(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}
