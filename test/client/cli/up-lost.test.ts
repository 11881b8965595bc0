import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { wholeSeconds } from '../../../model/time.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { ownTemporal } from '../../support/ports.ts';
import { openSession, runDaily } from '../../support/session.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';
import { startCommand, type CommandProcess } from '../../support/worker-process.ts';

const DAY = 86_400_000;

describe('`up` where Temporal has lost its data', () => {
  let folder: string;
  let test: TestSite;
  let up: CommandProcess | undefined;
  // An hour ago the daily was due.
  const due = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
  const [yesterday, today] = [wholeSeconds(due - DAY), wholeSeconds(due)];
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

  it("applies the schedules again, and starts each plan's newest due run that has no recovery point", async () => {
    const session = await openSession(test.file);
    const earlier = await runDaily({ session, site: 'test', scheduled: yesterday });
    await session.close();
    assert.equal(earlier.outcome, 'complete', JSON.stringify(earlier));
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
    assert.match(output(), new RegExp(`${run} is started: Temporal has lost its schedules`));
    await until('the recovery point of the run', () => existsSync(recoveryPoint()));
    assert.equal((await backups()).length, 2);
  });

  it('starts nothing where nothing was lost', async () => {
    await up?.end();
    await rm(recoveryPoint());
    await cameUp();
    assert.doesNotMatch(output(), /is started|\+ mosaic-backup/);
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

  function recoveryPoint(): string {
    return path.join(folder, 'repository/recovery-points', `${run}.json`);
  }

  async function backups(): Promise<readonly string[]> {
    const names = await readdir(path.join(folder, 'repository/daily/apps/stack'));
    return names.filter((name) => name !== 'latest').toSorted();
  }
});
