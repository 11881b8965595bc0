import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Client, ScheduleHandle } from '@temporalio/client';
import { loadSite } from '../../../activities/config/load.ts';
import { connectClient } from '../../../client/runs/start.ts';
import { withPausing } from '../../../client/schedules/pausing.ts';
import { embeddedEndpoint } from '../../../client/temporal/endpoint.ts';
import type { RunReport } from '../../../model/run.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { calendarOf } from '../../../model/timetable/calendar.ts';
import { nextTimes } from '../../../model/timetable/next-times.ts';
import { PLAN } from '../../../workflows/search-attributes.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';
import { startCommand, type CommandProcess } from '../../support/worker-process.ts';
import { ownTemporal } from '../../support/ports.ts';

const ID = 'mosaic-backup/test/logs';
const CATCH_UP = 'mosaic-backup/test/catch-up';
const DAILY = 'mosaic-backup/test/daily';
const DRILL = 'mosaic-backup/test/drill';
const WEEKLY = 'mosaic-backup/test/weekly';
const MONTHLY = 'mosaic-backup/test/monthly';
const RESTORE_TEST = 'mosaic-backup/test/restore-test';
const ALL = [CATCH_UP, DAILY, DRILL, ID, MONTHLY, RESTORE_TEST, WEEKLY];
/** A schedule as a change of it is given it. */
type Was = Parameters<Parameters<ScheduleHandle['update']>[0]>[0];
const changes = z.looseObject({ changes: z.array(z.looseObject({ do: z.string(), id: z.string() })) });
const listed = z.looseObject({
  schedules: z.array(
    z.looseObject({
      id: z.string(),
      paused: z.boolean(),
      note: z.string().nullable(),
      nextTimes: z.array(z.string()),
      schedule: z.looseObject({ every: z.number().optional() }).nullable(),
    }),
  ),
});

describe('schedules and `run logs` on the command line', () => {
  let server: TestPostgres;
  let test: TestSite;
  let up: CommandProcess;
  let client: Client;

  before(async () => {
    const folder = await temporaryFolder();
    server = await startPostgres({ folder, settings: { max_slot_wal_keep_size: '1GB' } });
    test = await makeSite({
      folder,
      sources: { db: server.config(), stack: { type: 'files', paths: [path.join(folder, 'keys')] } },
      timeZone: 'America/New_York',
      plans: { daily: { at: '23:45', phases: { apps: '00:15' } }, logs: { every: '1h' } },
      temporal: await ownTemporal(),
    });
    up = startCommand({ args: ['-c', test.file, 'up'], owner: folder });
    await up.printed('is up on');
    const endpoint = await embeddedEndpoint(await loadSite({ file: test.file }));
    assert.ok(endpoint);
    client = await connectClient(endpoint);
  });

  after(async () => {
    await client?.connection.close();
    await up?.end();
    await server?.stop();
    await cleanUp();
  });

  it('`up` makes the schedules of the plans, and says so', async () => {
    assert.match(up.output(), /\+ mosaic-backup\/test\/logs: every 1h/);
    assert.match(up.output(), /\+ mosaic-backup\/test\/daily: every day at 23:45 \(America\/New_York\)/);
    const { schedules } = listed.parse(await json('schedules', 'list'));
    assert.deepEqual(
      schedules.map(({ id, schedule }) => [id, schedule?.every]),
      [
        [CATCH_UP, 900_000],
        [DAILY, undefined],
        [DRILL, undefined],
        [ID, 3_600_000],
        [MONTHLY, undefined],
        [RESTORE_TEST, undefined],
        [WEEKLY, undefined],
      ],
    );
    assert.deepEqual(await changed('apply'), []);
  });

  it('the list tells the next five times of each in the zone of the site, and the dry run the timetable', async () => {
    const { schedules } = listed.parse(await json('schedules', 'list'));
    const daily = schedules.find(({ id }) => id === DAILY);
    const calendar = calendarOf({ at: '23:45', on: 'every day' }, 'America/New_York');
    const [first = ''] = daily?.nextTimes ?? [];
    const ours = nextTimes(calendar, Date.parse(first) - 1000, 5).map(wholeSeconds);
    assert.deepEqual(daily?.nextTimes, ours);
    const { stdout } = await mosaicHere(['-c', test.file, 'schedules', 'list']);
    assert.match(stdout, /^daily +every day at 23:45 \(America\/New_York\) +on /m);
    assert.match(stdout, /^monthly +the first sunday of the month at 06:00/m);
    assert.match(stdout, /^daily +[a-z]{3} 20\d\d-\d\d-\d\d 23:45(?:, [a-z]{3} (?:20\d\d-)?\d\d-\d\d 23:45){4}$/m);
    const dry = await mosaicHere(['-c', test.file, 'schedules', 'apply', '--dry-run']);
    assert.match(dry.stdout, /^daily +every day +databases 23:45, apps 00:15, system 00:45, configs 00:45 /m);
    assert.match(dry.stdout, /the schedules are as the config has them/);
    // 01:00 on a sunday comes twice there, once a year.
    assert.match(
      dry.stderr,
      /^warning: weekly \(every sunday at 01:00\): on 20\d\d-11-\d\d clocks are set back, and two runs start/m,
    );
  });

  it('a plan that its schedule starts bears its time, and is joined on demand', async () => {
    await client.schedule.getHandle(DAILY).trigger();
    const started = await until('the run of the schedule', async () => {
      const { info } = await client.schedule.getHandle(DAILY).describe();
      return info.recentActions.at(-1)?.action.workflow.workflowId;
    });
    // A time that is none of the plan's keeps no phase waiting.
    const joined = await mosaicHere([
      '-c',
      test.file,
      '--json',
      'run',
      'daily',
      '--at',
      started.slice('daily-'.length),
    ]);
    assert.equal(joined.code, 0, joined.stdout + joined.stderr);
    const report: RunReport = await client.workflow.getHandle(started).result();
    assert.equal(report.runId, started);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    assert.deepEqual(report.sources.map(({ source }) => source).toSorted(), ['db', 'mosaic-backup-local', 'stack']);
  });

  it('a run that the schedule starts bears its time, and ships', async () => {
    await client.schedule.getHandle(ID).trigger();
    const started = await until('the run of the schedule', async () => {
      const { info } = await client.schedule.getHandle(ID).describe();
      return info.recentActions.at(-1)?.action.workflow.workflowId;
    });
    assert.match(started, /^logs-20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const report: RunReport = await client.workflow.getHandle(started).result();
    assert.equal(report.runId, started);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    const { typedSearchAttributes } = await client.workflow.getHandle(started).describe();
    const found = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    assert.equal(found['site'], 'test');
    assert.equal(found['plan'], 'logs');
    assert.equal(found['outcome'], 'complete');
  });

  it('follows a change of the config: prints it, changes nothing in a dry run, and keeps a pause', async () => {
    await client.schedule.getHandle(ID).pause('an operator');
    await edit((text) => text.replace('every: 1h', 'every: 2h'));
    assert.deepEqual(await changed('apply', '--dry-run'), [['update', ID]]);
    const { stderr, stdout } = await mosaicHere(['-c', test.file, 'schedules', 'apply', '--dry-run']);
    assert.match(stdout, /~ mosaic-backup\/test\/logs: every 1h → every 2h \(stays paused\)/);
    assert.match(stderr, /^(?:warning: .*)?$/);
    assert.deepEqual(await changed('apply'), [['update', ID]]);
    assert.deepEqual(await changed('apply'), []);
    const { schedules } = listed.parse(await json('schedules', 'list'));
    const logs = schedules.find(({ id }) => id === ID);
    assert.deepEqual([logs?.paused, logs?.note, logs?.schedule?.every], [true, 'an operator', 7_200_000]);
    assert.deepEqual(
      schedules.filter(({ paused }) => paused).map(({ id }) => id),
      [ID],
    );
  });

  it('follows another time of a plan, a plan that is added, and one that is not wanted any more', async () => {
    const before = await readFile(test.file, 'utf8');
    const custom = 'plans:\n  weekly: { enabled: false }\n  custom: { noon: { at: "12:00", sources: [stack] } }\n';
    await edit((text) => text.replace('23:45', '23:50').replace('plans:\n', custom));
    const noon = 'mosaic-backup/test/noon';
    assert.deepEqual(await changed('apply'), [
      ['update', DAILY],
      ['create', noon],
      ['remove', WEEKLY],
    ]);
    await client.schedule.getHandle(noon).trigger();
    const run = await until('the run of the plan', async () => {
      const { info } = await client.schedule.getHandle(noon).describe();
      return info.recentActions.at(-1)?.action.workflow.workflowId;
    });
    const report: RunReport = await client.workflow.getHandle(run).result();
    assert.deepEqual(
      report.sources.map(({ source, outcome }) => [source, outcome]),
      [['stack', 'complete']],
    );
    await writeFile(test.file, before);
    await until('the list of schedules', async () => (await changed('apply', '--dry-run')).length === 3);
    await changed('apply');
  });

  it('names a zone that Temporal does not know, though this machine does', async () => {
    await edit((text) => text.replace('America/New_York', 'america/new_york'));
    const refused = await mosaicHere(['-c', test.file, 'schedules', 'apply']);
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /does not know the time zone "america\/new_york".*\n.*tzdata/);
    await edit((text) => text.replace('america/new_york', 'America/New_York'));
    assert.deepEqual(await changed('apply'), []);
  });

  it('mends what a hand has changed', async () => {
    const handle = client.schedule.getHandle(ID);
    await handle.update(({ state, action, policies }) => ({
      state,
      action,
      policies,
      spec: { calendars: [{ hour: 3 }] },
    }));
    assert.deepEqual(await changed('apply'), [['update', ID]]);
    assert.deepEqual(await changed('apply'), []);
  });

  it('mends what a hand has changed beside the times: runs that Temporal would end, or nobody would find, and none at all', async () => {
    const daily = client.schedule.getHandle(DAILY);
    for (const change of [
      (was: Was): Was => ({ ...was, state: { ...was.state, remainingActions: 0 } }),
      (was: Was): Was => ({ ...was, action: { ...was.action, workflowExecutionTimeout: '1m' } }),
      (was: Was): Was => ({
        ...was,
        action: { ...was.action, typedSearchAttributes: [{ key: PLAN, value: 'other' }] },
      }),
      (was: Was): Was => ({ ...was, action: { ...was.action, memo: {} } }),
    ]) {
      await daily.update((was) => change(was));
      assert.deepEqual(await changed('apply'), [['update', DAILY]], String(change));
      assert.deepEqual(await changed('apply'), [], String(change));
    }
    const { state, info } = await daily.describe();
    assert.equal(state.remainingActions, undefined);
    assert.ok(info.nextActionTimes.length > 0);
  });

  it('removes only what is its own', async () => {
    const action = { type: 'startWorkflow', workflowType: 'x', taskQueue: 'x', args: [] } as const;
    const others = ['mosaic-backup-test/logs', 'somebody-else'];
    for (const scheduleId of others)
      await client.schedule.create({ scheduleId, action, spec: { intervals: [{ every: '1d' }] } });
    await client.schedule.create({
      scheduleId: 'mosaic-backup/test/old',
      action,
      spec: { intervals: [{ every: '1d' }] },
    });
    const old = ['remove', 'mosaic-backup/test/old'];
    await until('the list of schedules', async () => (await changed('apply', '--dry-run')).length > 0);
    const { stdout } = await mosaicHere(['-c', test.file, 'schedules', 'list']);
    assert.match(stdout, /^old +.* on, and none of the config: "schedules apply" removes it /m);
    assert.match(stdout, /^daily +.* on {3}/m);
    assert.deepEqual(await changed('apply'), [old]);
    for (const id of others) await client.schedule.getHandle(id).describe();
    await until('the removal', async () => (await changed('apply')).length === 0);
  });

  it('a first `schedules apply` makes all of them, and a dry run before it none', async () => {
    const removed = z.looseObject({ removed: z.array(z.string()) });
    assert.deepEqual(removed.parse(await json('schedules', 'remove', '--dry-run')).removed, ALL);
    assert.deepEqual(removed.parse(await json('schedules', 'remove')).removed, ALL);
    const made = ALL.map((id) => ['create', id]);
    await until('the removal', async () => (await changed('apply', '--dry-run')).length === made.length);
    const sorted = (await changed('apply')).toSorted((one, two) => (String(one) < String(two) ? -1 : 1));
    assert.deepEqual(sorted, made);
    await client.schedule.getHandle(ID).describe();
    await until('the list of schedules', async () => (await changed('apply')).length === 0);
  });

  it('refuses a namespace where another site has its schedules: of two runs of one id one would be left out', async () => {
    const scheduleId = 'mosaic-backup/test2/logs';
    const action = { type: 'startWorkflow', workflowType: 'x', taskQueue: 'x', args: [] } as const;
    const other = await client.schedule.create({ scheduleId, action, spec: { intervals: [{ every: '1d' }] } });
    try {
      const refused = await until('the list of schedules', async () => {
        const ended = await mosaicHere(['-c', test.file, 'schedules', 'apply']);
        return ended.code === 0 ? undefined : ended;
      });
      assert.equal(refused.code, 7);
      assert.match(refused.stderr, /"test2".*\n.*temporal\.namespace/);
      await other.describe();
    } finally {
      await other.delete();
    }
    await until('the removal', async () => (await mosaicHere(['-c', test.file, 'schedules', 'apply'])).code === 0);
  });

  it('pauses what runs and lets it run again, by a command and for a restore in place', async () => {
    const isPaused = async () => (await client.schedule.getHandle(ID).describe()).state.paused;
    await json('schedules', 'resume');
    assert.equal(await isPaused(), false);
    const paused = z.looseObject({ schedules: z.array(z.string()) });
    const some = paused.parse(await json('schedules', 'pause', 'daily', 'weekly', '--note', 'new disks'));
    assert.deepEqual(some.schedules, [DAILY, WEEKLY]);
    assert.equal((await client.schedule.getHandle(DAILY).describe()).state.note, 'new disks');
    assert.match((await mosaicHere(['-c', test.file, 'schedules', 'list'])).stdout, /^weekly .* paused: new disks /m);
    assert.deepEqual(paused.parse(await json('schedules', 'resume', 'weekly')).schedules, [WEEKLY]);
    assert.equal((await mosaicHere(['-c', test.file, 'schedules', 'pause', 'nothing'])).code, 6);
    assert.deepEqual(paused.parse(await json('schedules', 'pause')).schedules, [
      CATCH_UP,
      DRILL,
      ID,
      MONTHLY,
      RESTORE_TEST,
      WEEKLY,
    ]);
    assert.equal(await isPaused(), true);
    assert.deepEqual(paused.parse(await json('schedules', 'pause')).schedules, []);
    const site = await loadSite({ file: test.file });
    const tell = (line: string) => assert.fail(line);
    await withPausing({ site, env: {}, tell }, async (schedules) => {
      assert.deepEqual(await schedules?.running(), [], 'it was paused by somebody else, and stays so');
      await schedules?.resume([ID]);
      assert.deepEqual(await schedules?.running(), [ID]);
      await schedules?.resume([DAILY]);
      await schedules?.pause([ID, 'mosaic-backup/test/removed']);
      assert.equal(await isPaused(), true);
      assert.deepEqual(await schedules?.running(), [DAILY, ID], 'a restore that could not resume it has paused it');
      await schedules?.resume([ID]);
    });
    assert.equal(await isPaused(), false);
  });

  it('an empty note pauses and resumes all the same, and a new one replaces that of a pause', async () => {
    const state = async () => {
      const { paused, note } = (await client.schedule.getHandle(DAILY).describe()).state;
      return [paused, note];
    };
    await json('schedules', 'resume', 'daily');
    for (const empty of ['', '  ']) {
      await json('schedules', 'pause', 'daily', '--note', empty);
      assert.deepEqual(await state(), [true, 'mosaic-backup schedules pause']);
      await json('schedules', 'resume', 'daily', '--note', empty);
      assert.deepEqual(await state(), [false, 'mosaic-backup schedules resume']);
    }
    await json('schedules', 'pause', 'daily', '--note', 'new disks');
    await json('schedules', 'pause', 'daily', '--note', '');
    assert.deepEqual(await state(), [true, 'new disks'], 'a reason is not lost to none');
    await json('schedules', 'pause', 'daily', '--note', 'the new disks are late');
    assert.deepEqual(await state(), [true, 'the new disks are late']);
    await json('schedules', 'resume', 'daily');
  });

  it('names a namespace that there is not', async () => {
    const endpoint = await embeddedEndpoint(await loadSite({ file: test.file }));
    assert.ok(endpoint);
    await assert.rejects(connectClient({ ...endpoint, namespace: 'nonesuch' }), {
      code: 'config',
      message: /"nonesuch"/,
    });
  });

  it('`run logs` ships and copies now, with the exit status of any run', async () => {
    const ended = await mosaicHere(['-c', test.file, 'run', 'logs']);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /source +outcome +stored +time +covers until +copies/);
    assert.match(ended.stdout, /db +complete .* vault/);
    assert.match(ended.stderr, /db: /, 'progress');
    await server.stop();
    const failed = await mosaicHere(['-c', test.file, 'run', 'logs', '--source', 'db']);
    await server.start();
    assert.equal(failed.code, 1, failed.stdout);
    assert.match(failed.stdout, /What to do:/);
  });

  it('`run logs` says before it starts anything what cannot be shipped', async () => {
    assert.equal((await mosaicHere(['-c', test.file, 'run', 'logs', '--source', 'stack'])).code, 2);
    assert.equal((await mosaicHere(['-c', test.file, 'run', 'logs', '--source', 'nothing'])).code, 6);
    assert.equal((await mosaicHere(['-c', test.file, 'run', 'logs', '--at', '2026-11-20T02:00:00Z'])).code, 2);
    assert.equal((await mosaicHere(['-c', test.file, 'run', 'hourly'])).code, 2);
    const dry = await mosaicHere(['-c', test.file, 'run', 'logs', '--dry-run']);
    assert.match(dry.stdout, /db +logs +local +vault/);
  });

  it('a backfill is refused for every plan, each with what helps instead', async () => {
    for (const [plan, help] of [
      ['daily', /run daily --at TIME/],
      ['monthly', /run monthly --at TIME.*still holds a full/],
      ['logs', /Run it now: mosaic-backup run logs/],
      ['restore-test', /Run it now: mosaic-backup run restore-test/],
    ] as const) {
      const refused = await mosaicHere(['-c', test.file, 'schedules', 'backfill', plan]);
      assert.equal(refused.code, 4, refused.stderr);
      assert.match(refused.stderr, help);
    }
  });

  async function edit(change: (text: string) => string): Promise<void> {
    const text = await readFile(test.file, 'utf8');
    assert.notEqual(change(text), text);
    await writeFile(test.file, change(text));
  }

  async function json(...args: readonly string[]): Promise<unknown> {
    const ended = await mosaicHere(['-c', test.file, '--json', ...args]);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    return JSON.parse(ended.stdout);
  }

  async function changed(...args: readonly string[]): Promise<readonly (readonly string[])[]> {
    return changes.parse(await json('schedules', ...args)).changes.map((change) => [change.do, change.id]);
  }
});
