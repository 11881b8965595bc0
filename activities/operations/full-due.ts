/**
 * That a full is due because of a hole in the logs. It is noted in state before the logs behind the hole are sealed, so
 * that no death between the seal and the run's report can lose it, and forgotten once a full was captured behind it and
 * every destination that takes it holds it: without that copy a destination leads to the time before the hole only.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { Site } from '../site.ts';
import { makePath, publish, writeNew } from '../storage/durable.ts';
import { ifThere, translated } from '../storage/fs-errors.ts';
import { holder, isAlive, thisHolder } from '../storage/holder.ts';
import { parseRecord } from '../storage/record.ts';
import type { Work } from '../work.ts';
import { backupsSince, destinationsWithout } from './behind.ts';

const note = z.looseObject({
  /** RFC 3339: a full that began later reaches behind the hole. */
  since: z.string(),
  reason: z.string(),
  /** The last tick that asked for it; `sealed`: id of the backup whose copies it asked for, else it asked for a full. */
  asked: z.looseObject({ run: z.string(), at: z.string(), sealed: z.string().nullable().optional() }).nullable(),
  /** The process that makes and copies it itself: while that lives nobody else is asked. */
  by: holder.nullable().optional(),
});
type Note = z.infer<typeof note>;

interface Of {
  readonly site: Site;
  readonly source: string;
}

/** What of a full behind a hole is lacking. */
export interface FullDue {
  readonly reason: string;
  /** What is captured behind the hole; null where a full is to be made. */
  readonly sealed: Manifest | null;
  /** Destinations that hold nothing from behind the hole. */
  readonly lacking: readonly string[];
  /** Whether it is to be started now; else somebody is at it, or a tick has asked within the last hour. */
  readonly ask: boolean;
}

/** Milliseconds until a tick asks again for what has not come: what was started tries long by itself. */
const ASK_AGAIN = 3_600_000;

export async function noteFullDue({ site, source }: Of, since: string, reason: string): Promise<void> {
  await write(fileOf(site, source), { since, reason, asked: null });
}

/**
 * What of a full of the source is lacking; null where none is due. The same tick gets the same answer again: its first
 * attempt may have died before anybody heard it.
 */
export async function askForFull({
  site,
  source,
  runId,
  work,
}: Of & { readonly runId: string; readonly work: Work }): Promise<FullDue | null> {
  const file = fileOf(site, source);
  const due = await read(file);
  if (due === undefined) return null;
  const found = await backupsSince({ site, source }, due.since);
  const lacking = await destinationsWithout(site, found, work);
  if (found.length > 0 && lacking.length === 0) {
    await rm(file, { force: true });
    return null;
  }
  // The plan that copies what is sealed already is the daily one.
  const sealed = found.findLast(({ manifest }) => manifest.tier === 'daily')?.manifest ?? null;
  const lack = { reason: due.reason, sealed, lacking };
  if (due.by && (await isAlive(due.by)) === true) return { ...lack, ask: false };
  if (due.asked && due.asked.run !== runId && isRecent(due.asked, sealed)) return { ...lack, ask: false };
  await write(file, { ...due, asked: { run: runId, at: new Date().toISOString(), sealed: sealed?.id ?? null } });
  return { ...lack, ask: true };
}

/** What is sealed since then lacks its copies all the same: that is asked for at once. */
function isRecent({ at, sealed: asked = null }: NonNullable<Note['asked']>, sealed: Manifest | null): boolean {
  return asked === (sealed?.id ?? null) && Date.now() - Date.parse(at) < ASK_AGAIN;
}

/** Makes and copies what is due in this process: no tick asks for it meanwhile, unless this process dies. */
export async function withFullDue<Result>({ site, source }: Of, make: () => Promise<Result>): Promise<Result> {
  const file = fileOf(site, source);
  const due = await read(file);
  if (due) await write(file, { ...due, by: thisHolder() });
  try {
    return await make();
  } finally {
    const left = await read(file);
    if (left) await write(file, { ...left, by: null });
  }
}

async function read(file: string): Promise<Note | undefined> {
  const bytes = await translated(file, 'reading whether a full is due', () => ifThere(readFile(file)));
  return bytes && noteIn(bytes);
}

/** A damaged one says at least that there was a hole: a full is made to be safe, behind now. */
function noteIn(bytes: Uint8Array): Note {
  try {
    return parseRecord(bytes, note, 'note of a full that is due');
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const since = new Date().toISOString();
    return { since, reason: 'There was a hole in the logs; the note of it is damaged.', asked: null };
  }
}

function fileOf({ state }: Site, source: string): string {
  return path.join(state, 'sources', source, 'full-due.json');
}

async function write(file: string, due: Note): Promise<void> {
  await translated(file, 'noting that a full is due', async () => {
    await makePath(path.dirname(file));
    const temporary = `${file}.${randomUUID()}`;
    try {
      await writeNew(temporary, Buffer.from(`${JSON.stringify(due)}\n`));
      await publish(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}
