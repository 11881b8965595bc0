/**
 * The journal of a restore in place, in state: each step is written down before it is begun, so that whoever comes after
 * a kill knows what may have been done. What is restored and what was there before lie in folders that it names.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { Site } from '../../site.ts';
import { makePath, publish, syncFolder, writeNew } from '../../storage/durable.ts';
import { ifThere, translated } from '../../storage/fs-errors.ts';
import { parseRecord } from '../../storage/record.ts';

/** In their order. Up to `stopping` the old server was never touched. */
export const STEPS = [
  'pausing',
  'stopping',
  'saving',
  'setting-aside',
  'putting-in',
  'starting',
  'checking',
  'closing',
] as const;
export type Step = (typeof STEPS)[number];

const owner = z.looseObject({ uid: z.int(), gid: z.int(), mode: z.int() });
export type Owner = z.infer<typeof owner>;

const journal = z.looseObject({
  /** RFC 3339: when it was begun. */
  began: z.string(),
  source: z.string(),
  /** Of the workflow that does it; null where a command does. Absent: an older version began it. */
  run: z.string().nullable().optional(),
  /** What is restored: a reference, and the target in words; null for the backup alone. */
  reference: z.string(),
  target: z.string().nullable(),
  /** The data folder; where what was restored waits; where the old data go; where what failed goes. */
  data: z.string(),
  ready: z.string(),
  before: z.string(),
  failed: z.string(),
  /** Of the old data folder; null where there was none. */
  owner: owner.nullable(),
  /** Whether a server ran on the old data. */
  ran: z.boolean(),
  /** The adapter's. */
  facts: z.looseObject({}),
  manifest: z.looseObject({}),
  replayed: z.boolean(),
  acceptUnsaved: z.boolean(),
  /** Ids of the schedules that were running before; null before they were looked for. */
  paused: z.array(z.string()).nullable(),
  step: z.enum(STEPS),
  /** RFC 3339: no backup of the old server began later. Null before it is stopped. */
  since: z.string().nullable(),
  /** Whether it goes on, or goes back; and why it does that. */
  back: z.string().nullable(),
  /** Whether its workflow begins again by itself once it has gone back. Absent: it does not. */
  again: z.boolean().optional(),
});
export type Journal = z.infer<typeof journal>;

type Of = Readonly<{ site: Site; source: string }>;

/** Null where no restore in place of the source is unfinished. @throws BackupError where it cannot be understood. */
export async function readJournal(of: Of): Promise<Journal | null> {
  const file = fileOf(of);
  const bytes = await translated(file, 'reading the journal of a restore in place', () => ifThere(readFile(file)));
  if (bytes === undefined) return null;
  try {
    return parseRecord(bytes, journal, 'journal of a restore in place');
  } catch (cause) {
    throw new BackupError('conflict', `The journal of a restore in place of "${of.source}" is damaged (${file}).`, {
      remedy: 'See "Restore in place" in docs/operations.md, by hand; then remove that file.',
      cause,
    });
  }
}

export async function writeJournal(site: Site, record: Journal): Promise<void> {
  const file = fileOf({ site, source: record.source });
  await translated(file, 'writing the journal of a restore in place', async () => {
    await makePath(path.dirname(file));
    const temporary = `${file}.${randomUUID()}`;
    try {
      await writeNew(temporary, Buffer.from(`${JSON.stringify(record)}\n`));
      await publish(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** It is finished, one way or the other. */
export async function dropJournal(of: Of): Promise<void> {
  const file = fileOf(of);
  await rm(file, { force: true });
  await syncFolder(path.dirname(file));
}

/**
 * No backup is taken and no logs are shipped in the middle of a restore in place: they would be of the one server or of
 * the other, and nobody could tell.
 * @throws BackupError `busy`.
 */
export async function requireSettled(of: Of): Promise<void> {
  const found = await readJournal(of);
  if (!found) return;
  throw new BackupError(
    'busy',
    `"${of.source}" is being restored in place since ${found.began}, and that is not finished.`,
    { remedy: unfinishedRemedy(of.source), facts: { source: of.source, step: found.step, began: found.began } },
  );
}

/** Facts of a failure after which the journal stays: somebody has to see to it. */
export const UNFINISHED = { unfinished: true } as const;

/** Whether it is one of those. */
export function leavesUnfinished(error: unknown): boolean {
  return error instanceof BackupError && error.facts['unfinished'] === UNFINISHED.unfinished;
}

/** What to do about an unfinished one. */
export function unfinishedRemedy(source: string): string {
  return `Where nobody is at it any more: mosaic-backup restore --resume --source ${source}, or --undo to bring the old data back.`;
}

function fileOf({ site, source }: Of): string {
  return path.join(site.state, 'sources', source, 'in-place.json');
}
