/** What the coordinator remembers of alerts, in state: what lasts, who was told of it and when. Lost, each is told once more. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { ALERTS } from '../../model/alert.ts';
import type { NotifierConfig } from '../../model/config/notify.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';

const remembered = z.looseObject({
  alert: z.enum(ALERTS),
  key: z.string(),
  source: z.string().nullable(),
  host: z.string(),
  message: z.string(),
  remedy: z.string(),
  once: z.boolean(),
  since: z.string(),
  /** When each notifier was told last, by the digest of its config. One that was told that it is over is not in it. */
  told: z.record(z.string(), z.string()),
  /** Since when whom is about to be told for the first time: after a death nobody knows whether he was. */
  telling: z.record(z.string(), z.string()).optional(),
  /** Since when it is over; somebody who was told of it has not heard that yet. */
  over: z.string().optional(),
});
export type Remembered = z.infer<typeof remembered>;

const memory = z.looseObject({
  /** When the logs of each source were last known to be shipped; or since when they are waited for. */
  fresh: z.record(z.string(), z.string()),
  open: z.array(remembered),
});
export type Memory = z.infer<typeof memory>;

/** Whose alerts: each remembers its own. */
export type Teller = 'logs' | 'copies' | 'thaws' | 'runs' | 'tests' | 'drills' | 'watchdog';

export async function readMemory(state: string, teller: Teller): Promise<Memory> {
  return (await readMemoryFile(fileOf(state, teller), memory)) ?? { fresh: {}, open: [] };
}

export function writeMemory(state: string, teller: Teller, value: Memory): Promise<void> {
  return writeMemoryFile(fileOf(state, teller), value);
}

/** One that was changed in the config is a new one, and is told everything that lasts. */
export function notifierKey(config: NotifierConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16);
}

function fileOf(state: string, teller: Teller): string {
  return path.join(state, 'alerts', `${teller}.json`);
}
