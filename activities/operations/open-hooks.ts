/**
 * That hooks before a source or a plan have been begun, and what is to come after them has not ended: noted in state, so that an
 * application that stands still is seen where no workflow is left to run it (somebody has terminated it, or Temporal's data were lost).
 */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../site.ts';
import { ifThere, translated } from '../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';

const note = z.looseObject({ run: z.string(), since: z.iso.datetime() });
export type OpenHooks = z.infer<typeof note>;

interface OfSite {
  readonly site: Pick<Site, 'state'>;
}
/** Those of a source are noted on its host, those of a plan on the coordinator. */
type Of = OfSite & ({ readonly source: string } | { readonly plan: string });

export function noteHooksOpen(of: Of, runId: string): Promise<void> {
  return writeMemoryFile(hooksNote(of), { run: runId, since: new Date().toISOString() });
}

export function noteHooksClosed(of: Of): Promise<void> {
  return rm(hooksNote(of), { force: true });
}

/** Undefined where nothing is open. */
export function openHooks(of: Of): Promise<OpenHooks | undefined> {
  return readMemoryFile(hooksNote(of), note);
}

/** The plans of which hooks may be open, those that the config has no more as well. */
export async function plansWithHooks({ site }: OfSite): Promise<readonly string[]> {
  const folder = path.join(site.state, 'plans');
  return (await translated(folder, 'reading what is remembered', () => ifThere(readdir(folder)))) ?? [];
}

/** The file of the note. */
export function hooksNote(of: Of): string {
  const [kind, name] = 'source' in of ? ['sources', of.source] : ['plans', of.plan];
  return path.join(of.site.state, kind, name, 'hooks-open.json');
}
