/**
 * That hooks before a source have been begun, and what is to come after them has not ended: noted in state, so that the watchdog sees an
 * application that stands still where no workflow is left to run it (somebody has terminated it, or Temporal's data were lost).
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../site.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';

const note = z.looseObject({ run: z.string(), since: z.iso.datetime() });
export type OpenHooks = z.infer<typeof note>;

interface Of {
  readonly site: Pick<Site, 'state'>;
  readonly source: string;
}

export function noteHooksOpen(of: Of, runId: string): Promise<void> {
  return writeMemoryFile(fileOf(of), { run: runId, since: new Date().toISOString() });
}

export function noteHooksClosed(of: Of): Promise<void> {
  return rm(fileOf(of), { force: true });
}

/** Undefined where nothing is open. */
export function openHooks(of: Of): Promise<OpenHooks | undefined> {
  return readMemoryFile(fileOf(of), note);
}

function fileOf({ site, source }: Of): string {
  return path.join(site.state, 'sources', source, 'hooks-open.json');
}
