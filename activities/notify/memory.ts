/** What the coordinator remembers of alerts, in state: what lasts, who was told of it and when. Lost, each is told once more. */
import { readFile, rm } from 'node:fs/promises';
import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { ALERTS } from '../../model/alert.ts';
import type { NotifierConfig } from '../../model/config/notify.ts';
import { BackupError } from '../../model/errors.ts';
import { makePath, publish, writeNew } from '../storage/durable.ts';
import { ifThere, translated } from '../storage/fs-errors.ts';
import { parseRecord } from '../storage/record.ts';

const remembered = z.looseObject({
  alert: z.enum(ALERTS),
  key: z.string(),
  source: z.string().nullable(),
  host: z.string(),
  message: z.string(),
  remedy: z.string(),
  once: z.boolean(),
  since: z.string(),
  /** When each notifier was told last, by the digest of its config. */
  told: z.record(z.string(), z.string()),
});
export type Remembered = z.infer<typeof remembered>;

const memory = z.looseObject({
  /** When the logs of each source were last known to be shipped; or since when they are waited for. */
  fresh: z.record(z.string(), z.string()),
  open: z.array(remembered),
});
export type Memory = z.infer<typeof memory>;

export async function readMemory(state: string): Promise<Memory> {
  const file = fileOf(state);
  const bytes = await translated(file, 'reading what was alerted', () => ifThere(readFile(file)));
  if (bytes === undefined) return { fresh: {}, open: [] };
  try {
    return parseRecord(bytes, memory, `memory of alerts ${file}`);
  } catch (error) {
    if (error instanceof BackupError) return { fresh: {}, open: [] };
    throw error;
  }
}

export async function writeMemory(state: string, value: Memory): Promise<void> {
  const file = fileOf(state);
  await translated(file, 'remembering what was alerted', async () => {
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

/** One that was changed in the config is a new one, and is told everything that lasts. */
export function notifierKey(config: NotifierConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16);
}

function fileOf(state: string): string {
  return path.join(state, 'alerts', 'logs.json');
}
