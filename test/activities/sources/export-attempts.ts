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
import { until } from '../../support/until.ts';
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

/** Killed by itself at a point. What it had noted. */
export async function killedAt(made: TestSite, said: Said, { at, when, given = '' }: Point): Promise<object> {
  const reached = path.join(await temporaryFolder(), 'reached');
  const env = { SIGNAL_AT: at, SIGNAL_WHEN: when, SIGNAL_IF: given, SIGNAL_ONCE: reached };
  const { child, noted } = await start(made, said, ['--import', SIGNAL_AT], env);
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGKILL', `it never came to ${at}`);
  return noted();
}

/** Killed by us as soon as something is so. What it had noted. */
export async function killedWhen(made: TestSite, said: Said, so: () => Promise<boolean>): Promise<object> {
  const { child, noted } = await start(made, said);
  const exited = once(child, 'exit');
  await until('it has come so far', so, 30_000);
  child.kill('SIGKILL');
  const [, signal] = await exited;
  assert.equal(signal, 'SIGKILL', 'it was faster');
  return noted();
}

async function start(made: TestSite, said: Said, options: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const note = path.join(await temporaryFolder(), 'note.json');
  const args = [...options, CHILD, made.file, note, JSON.stringify(said)];
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  async function noted(): Promise<object> {
    const found: unknown = JSON.parse(await readFile(note, 'utf8'));
    assert.ok(typeof found === 'object' && found !== null);
    return found;
  }
  return { child, noted };
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
