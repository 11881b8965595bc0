import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { wholeSeconds } from '../../../model/time.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { ownTemporal } from '../../support/ports.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';
import { startCommand, type CommandProcess } from '../../support/worker-process.ts';

const DAY = 86_400_000;
const remembered = z.object({ plans: z.record(z.string(), z.object({ since: z.string(), timing: z.string() })) });

describe('`up` where Temporal has lost its data', () => {
  let folder: string;
  let test: TestSite;
  let up: CommandProcess | undefined;
  // An hour ago the daily was due.
  const due = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
  const today = wholeSeconds(due);
  const run = `daily-${today}`;

  before(async () => {
    folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'what is backed up');
    test = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [data] } },
      plans: { daily: { at: today.slice(11, 16) }, weekly: { enabled: false }, monthly: { enabled: false } },
      retention: { prune: false },
      temporal: await ownTemporal(),
    });
  });

  after(async () => {
    await up?.end();
    await cleanUp();
  });

  it('starts nothing of before there were schedules', async () => {
    await cameUp();
    assert.match(output(), /\+ mosaic-backup\/test\/daily/);
    assert.doesNotMatch(output(), /is started/);
    await lost('');
  });

  it('P49 applies the schedules again, and starts what was due since there were any, though no run had ever left a recovery point', async () => {
    await since(due - DAY);
    // Killed in the middle of it, it is begun by the next.
    const point = { at: 'client/schedules/make-up.ts#startMissed' };
    const killed = startCommand({
      args: ['-c', test.file, 'up'],
      owner: folder,
      point,
      reached: path.join(folder, 'reached'),
    });
    assert.equal((await killed.ended).signal, 'SIGKILL');
    await cameUp();
    assert.match(output(), /Temporal has lost its schedules/);
    assert.match(output(), new RegExp(`${run} is started`));
    await until('the recovery point of the run', () => existsSync(recoveryPoint()));
    assert.equal((await backups()).length, 1);
    const { plans } = remembered.parse(JSON.parse(await readFile(memory(), 'utf8')));
    assert.equal(plans['daily']?.since, wholeSeconds(due - DAY), 'it is remembered still');
  });

  it('starts nothing where nothing was lost', async () => {
    await up?.end();
    await rm(recoveryPoint());
    await cameUp();
    assert.doesNotMatch(output(), /is started|\+ mosaic-backup/);
  });

  it('commits into a log, also where an earlier version began its database without one', async () => {
    await up?.end();
    assert.equal(journalMode('PRAGMA journal_mode = delete'), 'delete');
    await cameUp();
    assert.equal(journalMode('PRAGMA journal_mode'), 'wal');
    assert.doesNotMatch(output(), /moved aside|is started/);
  });

  it('P49 moves a database aside that cannot be read, and the run that was in the middle does only what is missing', async () => {
    await lost('no database '.repeat(1000));
    const before = await backups();
    await cameUp();
    assert.match(output(), /could not read its database: it was moved aside/);
    assert.match(output(), new RegExp(`${run} is started`));
    await until('the recovery point of the run', () => existsSync(recoveryPoint()));
    assert.deepEqual(await backups(), before);
  });

  it('moves one aside that its server could start with, and not work: some of its pages cannot be read', async () => {
    await up?.end();
    await rm(recoveryPoint());
    await damageRuns(database());
    await cameUp();
    assert.match(output(), /could not read its database: it was moved aside/);
    assert.match(output(), new RegExp(`${run} is started`));
    await until('the recovery point of the run', () => existsSync(recoveryPoint()));
  });

  it('starts nothing that was due before the oldest recovery point was made, where state has lost since when there were schedules', async () => {
    await until('the recovery point of the run', () => existsSync(recoveryPoint()));
    const config = parse(await readFile(test.file, 'utf8'));
    // Later than the time that the run is of, earlier than the run was made.
    const at = wholeSeconds(due + 1_800_000).slice(11, 16);
    await writeFile(test.file, stringify({ ...config, plans: { ...config.plans, custom: { later: { at } } } }));
    await lost('');
    await rm(memory());
    await cameUp();
    assert.match(output(), /\+ mosaic-backup\/test\/later/);
    assert.match(output(), /Temporal has lost its schedules/);
    assert.doesNotMatch(output(), /is started/);
  });

  it('starts nothing of a plan that has had other times since, and says that nothing tells what was due; nor after they were removed', async () => {
    await since(due - DAY, 'every day at 99:99 (UTC)');
    await lost('');
    await cameUp();
    assert.match(output(), /nothing tells since when there were schedules/);
    assert.doesNotMatch(output(), /is started/);
    const removed = await mosaicHere(['-c', test.file, 'schedules', 'remove']);
    assert.equal(removed.code, 0, removed.stderr);
    assert.deepEqual(remembered.parse(JSON.parse(await readFile(memory(), 'utf8'))).plans, {});
  });

  async function cameUp(): Promise<void> {
    up = startCommand({ args: ['-c', test.file, '-v', 'up'], owner: folder });
    await up.printed('is up on');
  }

  function output(): string {
    return up?.output() ?? '';
  }

  /** Its database is that text, or nothing at all. */
  async function lost(text: string): Promise<void> {
    await up?.end();
    const temporal = path.join(folder, 'state', 'temporal');
    await rm(temporal, { recursive: true });
    if (text === '') return;
    await mkdir(temporal);
    await writeFile(path.join(temporal, 'temporal.db'), text);
  }

  function database(): string {
    return path.join(folder, 'state/temporal/temporal.db');
  }

  function journalMode(pragma: string): string {
    const open = new DatabaseSync(database());
    try {
      return z.object({ journal_mode: z.string() }).parse(open.prepare(pragma).get()).journal_mode;
    } finally {
      open.close();
    }
  }

  /** The page at which the runs that there are begin: nothing asks for it before a run is looked for. */
  async function damageRuns(file: string): Promise<void> {
    const open = new DatabaseSync(file);
    const sql = "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'current_executions'";
    const { rootpage, page_size } = z
      .object({ rootpage: z.number(), page_size: z.number() })
      .parse(open.prepare(sql).get());
    open.close();
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0xff, (rootpage - 1) * page_size, rootpage * page_size));
  }

  function memory(): string {
    return path.join(folder, 'state', 'schedules.json');
  }

  /** As if `up` had run for so long. */
  async function since(time: number, timing?: string): Promise<void> {
    const { plans } = remembered.parse(JSON.parse(await readFile(memory(), 'utf8')));
    const earlier = Object.entries(plans).map(([plan, known]) => [
      plan,
      { timing: timing ?? known.timing, since: wholeSeconds(time) },
    ]);
    await writeFile(memory(), JSON.stringify({ plans: Object.fromEntries(earlier) }));
  }

  function recoveryPoint(): string {
    return path.join(folder, 'repository/recovery-points', `${run}.json`);
  }

  async function backups(): Promise<readonly string[]> {
    const names = await readdir(path.join(folder, 'repository/daily/apps/stack'));
    return names.filter((name) => name !== 'latest').toSorted();
  }
});
