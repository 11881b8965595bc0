/** Hooks that note when they are run: of one source and of the plan, around what they stand before and after. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readCatalogue } from '../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import type { SiteInput } from '../../model/config/site.ts';
import { runId } from '../../model/run.ts';
import type { Trial } from './trial.ts';

interface Bracket {
  /** Milliseconds since 1970, of its last hook before, and of its first one after. */
  readonly opened: number;
  readonly closed: number;
}

/** Hooks, before and after, each of which writes a line: in which run, when, and of which source, where it is not the plan's. */
export function notedHooks(trial: Trial): NonNullable<SiteInput['sources'][string]['hooks']> {
  const note = 'echo $MOSAIC_BACKUP_RUN $MOSAIC_BACKUP_WHEN $(date +%s%3N) $MOSAIC_BACKUP_SOURCE >> "$0"';
  const hooks = [{ command: ['/bin/sh', '-c', note, notesOf(trial)] }];
  return { before: hooks, after: hooks };
}

/**
 * In each run every hook before was followed by one after, with the capture of its source, or of all, between; and what is to be read
 * after a source was.
 */
export async function requireBrackets(
  trial: Trial,
  { runs, source, next }: { readonly runs: number; readonly source: string; readonly next: string },
): Promise<void> {
  const { backups } = await readCatalogue(repositoryStore(trial.repository));
  for (let number = 0; number < runs; number++) {
    const scheduled = trial.time(number);
    const captures = backups
      .map(({ manifest }) => manifest)
      .filter((manifest) => manifest.scheduled === scheduled)
      .map(({ source, started, finished }) => ({ source, from: Date.parse(started), to: Date.parse(finished) }));
    const run = runId('daily', scheduled);
    const [own, plan] = [await bracketOf(trial, source, run), await bracketOf(trial, 'plan', run)];
    for (const capture of captures) requireWithin(capture, plan, `${run}: ${capture.source} and the hooks of the plan`);
    const [first, second] = [source, next].map((name) => captures.find((capture) => capture.source === name));
    assert.ok(first && second, `${run}: ${source} and ${next} are captured`);
    requireWithin(first, own, `${run}: ${source} and its hooks`);
    assert.ok(first.to <= second.from, `${run}: ${next} was captured after ${source}`);
    assert.ok(
      plan.opened <= own.opened && own.closed <= plan.closed,
      `${run}: the hooks of ${source} within the plan's`,
    );
  }
}

function requireWithin(
  { from, to }: { readonly from: number; readonly to: number },
  { opened, closed }: Bracket,
  what: string,
): void {
  assert.ok(opened <= from && to <= closed, `${what}: ${JSON.stringify({ opened, from, to, closed })}`);
}

async function bracketOf(trial: Trial, of: string, run: string): Promise<Bracket> {
  const lines = (await readFile(notesOf(trial), 'utf8')).trimEnd().split('\n');
  const notes = lines
    .map((line) => line.split(' '))
    .filter(([inRun, , , whose = 'plan']) => whose === of && inRun === run)
    .map(([, when, time]) => ({ when, time: Number(time) }));
  const order = notes.map(({ when }) => when).join(' ');
  // Whoever died in one, or before anybody knew of it, ran it again.
  assert.match(order, /^before(?: before)*(?: after)+$/, `${run}: the hooks of ${of} ran in this order: ${order}`);
  const before = notes.findLast(({ when }) => when === 'before');
  const after = notes.find(({ when }) => when === 'after');
  assert.ok(before && after);
  return { opened: before.time, closed: after.time };
}

function notesOf({ folder }: Trial): string {
  return path.join(folder, 'hooks.txt');
}
