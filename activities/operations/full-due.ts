/**
 * That a full is due because of a hole in the logs. It is noted in state before the logs behind the hole are sealed, so
 * that no death between the seal and the run's report can lose it, and forgotten once a full was captured behind it.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import { sourceFolder, MANIFEST } from '../../model/paths.ts';
import { defaultGroup, TIERS } from '../../model/source.ts';
import type { Site } from '../site.ts';
import { makePath, publish, writeNew } from '../storage/durable.ts';
import { ifThere, translated } from '../storage/fs-errors.ts';
import { parseManifest } from '../storage/manifest-file.ts';
import { parseRecord } from '../storage/record.ts';
import { openRepository } from '../storage/repository.ts';
import { sourceConfig } from './source-config.ts';

const note = z.looseObject({
  /** RFC 3339: a full that began later reaches behind the hole. */
  since: z.string(),
  reason: z.string(),
  /** The last tick that asked for it. */
  asked: z.looseObject({ run: z.string(), at: z.string() }).nullable(),
});
type Note = z.infer<typeof note>;

interface Of {
  readonly site: Site;
  readonly source: string;
}

/** Milliseconds until a tick asks again for a full that has not come: what was started tries long by itself. */
const ASK_AGAIN = 3_600_000;

export async function noteFullDue({ site, source }: Of, since: string, reason: string): Promise<void> {
  await write(fileOf(site, source), { since, reason, asked: null });
}

/**
 * Why a full of the source is to be started now; null where none is due, or a tick has asked for it within the last hour.
 * The same tick gets the same answer again: its first attempt may have died before anybody heard it.
 */
export async function askForFull({ site, source, runId }: Of & { readonly runId: string }): Promise<string | null> {
  const file = fileOf(site, source);
  const bytes = await translated(file, 'reading whether a full is due', () => ifThere(readFile(file)));
  if (bytes === undefined) return null;
  const due = noteIn(bytes);
  if (await hasFullSince({ site, source }, due.since)) {
    await rm(file, { force: true });
    return null;
  }
  if (due.asked && due.asked.run !== runId && Date.now() - Date.parse(due.asked.at) < ASK_AGAIN) return null;
  await write(file, { ...due, asked: { run: runId, at: new Date().toISOString() } });
  return due.reason;
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

async function hasFullSince({ site, source }: Of, since: string): Promise<boolean> {
  const config = sourceConfig(site, source);
  const group = config.group ?? defaultGroup(config.type);
  const store = await openRepository(site);
  for (const tier of TIERS) {
    for await (const { key } of store.list(sourceFolder({ source, group, tier }), { named: MANIFEST })) {
      const bytes = await store.readSmall(key);
      if (bytes === undefined) continue;
      const { kind, started } = parseManifest(bytes);
      if (kind !== 'logs' && started > since) return true;
    }
  }
  return false;
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
