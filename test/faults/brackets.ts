/** Hooks that note when they are run: of one source and of the plan, around what they stand before and after. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readCatalogue } from '../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import type { SiteInput } from '../../model/config/site.ts';
import { runId } from '../../model/run.ts';
import type { Trial } from './trial.ts';

interface Note {
  readonly when: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Hooks, before and after, each of which writes a line: in which run, when, and of which source, where it is not the plan's. */
export function notedHooks(trial: Trial): NonNullable<SiteInput['sources'][string]['hooks']> {
  const note = 'echo $MOSAIC_BACKUP_RUN $MOSAIC_BACKUP_WHEN $(date +%s%3N) $MOSAIC_BACKUP_SOURCE >> "$0"';
  const hooks = [{ command: ['/bin/sh', '-c', note, notesOf(trial)] }];
  return { before: hooks, after: hooks };
}

interface Asked {
  readonly runs: number;
  /** Whose hooks are looked at besides the plan's, and the source that comes after it. */
  readonly source: string;
  readonly next: string;
  /** Attempts that are given up are dead: none reads on while the hooks after it are run. */
  readonly dead: boolean;
}

/**
 * In each run the last hooks are those after, of the source and of the plan; the plan's are around all captures, and the source's around
 * the capture that was sealed; and what is to be read after the source was.
 */
export async function requireBrackets(trial: Trial, { runs, source, next, dead }: Asked): Promise<void> {
  const { backups } = await readCatalogue(repositoryStore(trial.repository));
  for (let number = 0; number < runs; number++) {
    const scheduled = trial.time(number);
    const run = runId('daily', scheduled);
    const captures = backups
      .map(({ manifest }) => manifest)
      .filter((manifest) => manifest.scheduled === scheduled)
      .map(({ source, started, finished }) => ({ source, from: Date.parse(started), to: Date.parse(finished) }));
    const [own, ofPlan] = [await notesIn(trial, source, run), await notesIn(trial, 'plan', run)];
    const times = [...captures.flatMap(({ from, to }) => [from, to]), ...own.map(({ time }) => time)];
    // Whoever died in one, or before anybody knew of it, ran it again.
    assert.match(orderOf(ofPlan), /^before(?: before)*(?: after)+$/, `${run}: the hooks of the plan`);
    const opened = ofPlan.findLast(({ when }) => when === 'before')?.time ?? Infinity;
    const closed = ofPlan.find(({ when }) => when === 'after')?.time ?? -Infinity;
    assert.ok(opened <= Math.min(...times) && Math.max(...times) <= closed, `${run}: all within the hooks of the plan`);
    const [first, second] = [source, next].map((name) => captures.find((capture) => capture.source === name));
    assert.ok(first && second, `${run}: ${source} and ${next} are captured`);
    assert.ok(first.to <= second.from, `${run}: ${next} was captured after ${source}`);
    assert.match(orderOf(own), /\bbefore\b.* after$/, `${run}: the hooks of ${source}: ${orderOf(own)}`);
    if (!dead) continue;
    // Those after are run behind each attempt, those before again with the next.
    const around = [
      ...own.filter(({ time }) => time <= first.from).slice(-1),
      ...own.filter(({ time }) => time > first.from),
    ];
    const told = `${run}: ${source} within its hooks: ${JSON.stringify({ own, first })}`;
    assert.equal(around[0]?.when, 'before', told);
    assert.ok(around[1]?.when === 'after' && around[1].time >= first.to, told);
  }
}

async function notesIn(trial: Trial, of: string, run: string): Promise<readonly Note[]> {
  const lines = (await readFile(notesOf(trial), 'utf8')).trimEnd().split('\n');
  return lines
    .map((line) => line.split(' '))
    .filter(([inRun, , , whose = 'plan']) => whose === of && inRun === run)
    .map(([, when = '', time]) => ({ when, time: Number(time) }));
}

function orderOf(notes: readonly Note[]): string {
  return notes.map(({ when }) => when).join(' ');
}

function notesOf({ folder }: Trial): string {
  return path.join(folder, 'hooks.txt');
}
