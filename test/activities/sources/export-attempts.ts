/** Attempts at a restore of an export into a running server, of which one is killed at a point, and others take it up. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { withExportPlan } from '../../../activities/operations/restore-export.ts';
import type { ErrorCode } from '../../../model/errors.ts';
import type { ExportPlan } from '../../../activities/sources/types.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { temporaryFolder } from '../../support/folders.ts';
import type { TestSite } from '../../support/site.ts';
import { isBackupError } from '../../support/errors.ts';
import { testWork } from '../../support/work.ts';
import type { Said } from './export-in-child.ts';
import { listed } from './postgres/backups.ts';

const CHILD = fileURLToPath(new URL('export-in-child.ts', import.meta.url));
const SIGNAL_AT = fileURLToPath(new URL('../../support/signal-at.mjs', import.meta.url));

export interface Point {
  /** As signal-at.mjs takes it: `activities/…/load.ts#loadArchive`. */
  readonly at: string;
  readonly when: 'entered' | 'left';
  /** A pattern of a text argument. */
  readonly given?: string;
}

/** What the killed attempt had noted. */
export async function killedAt(made: TestSite, said: Said, { at, when, given = '' }: Point): Promise<object> {
  const folder = await temporaryFolder();
  const note = path.join(folder, 'note.json');
  const reached = path.join(folder, 'reached');
  const env = { ...process.env, SIGNAL_AT: at, SIGNAL_WHEN: when, SIGNAL_IF: given, SIGNAL_ONCE: reached };
  const args = ['--import', SIGNAL_AT, CHILD, made.file, note, JSON.stringify(said)];
  const [, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit');
  assert.equal(signal, 'SIGKILL', `it never came to ${at}`);
  const found: unknown = JSON.parse(await readFile(note, 'utf8'));
  assert.ok(typeof found === 'object' && found !== null);
  return found;
}

/** Plans, and carries it out. @param before what happens between the two. */
export async function attempt(
  made: TestSite,
  said: Said,
  before?: 'plan' | (() => Promise<unknown>),
): Promise<ExportPlan> {
  const [backup] = await listed(made.site);
  assert.ok(backup);
  const store = repositoryStore(made.site.repository);
  return withExportPlan({ site: made.site, store, backup, work: testWork(), ...said }, async (plan) => {
    if (before === 'plan') return plan;
    await before?.();
    await plan.carryOut();
    return plan;
  });
}

/** The attempt after a killed one, which finds that it is done, and that it tells the same to the one after it. */
export async function isDone(made: TestSite, said: Said, earlier: object): Promise<void> {
  const plan = await attempt(made, { ...said, earlier });
  assert.deepEqual([plan.done, plan.steps], [true, []]);
  assert.deepEqual(plan.note, earlier);
}

/** The attempt after a killed one, which does it; the one after that finds it done. */
export async function goesOn(made: TestSite, said: Said, earlier: object): Promise<ExportPlan> {
  const plan = await attempt(made, { ...said, earlier });
  assert.equal(plan.done, false);
  assert.deepEqual(plan.note, earlier);
  await isDone(made, said, earlier);
  return plan;
}

/** Refused, with a text. */
export async function isRefused(trying: Promise<unknown>, code: ErrorCode, says: RegExp): Promise<void> {
  assert.match((await isBackupError(trying, code)).message, says);
}
