import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { specOf, timingOf } from '../../../client/schedules/spec.ts';
import { calendarOf, daysInWords, type Calendar, type Days } from '../../../model/timetable/calendar.ts';
import { nextTimes, timesBetween } from '../../../model/timetable/next-times.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';

/** On both sides of Greenwich, with changes of an hour and of half of one, at night and at midnight, in either half of the year. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'Europe/London',
  'America/New_York',
  'America/Santiago',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Africa/Cairo',
];
const CLOCKS = ['00:00', '01:00', '01:30', '02:15'];
const DAYS: readonly Days[] = ['every day', 'first sunday', ['friday', 'sunday']];
const FROM = Date.parse('2026-11-27T00:00:00Z');
const UNTIL = Date.parse('2027-12-31T00:00:00Z');

describe('the times of schedules', () => {
  let server: TemporalProcess;
  let client: Client;

  before(async () => {
    server = await startTemporal(await temporaryFolder());
    client = server.client();
  });

  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  it('are to the second those that the server has, for more than a year and through all changes of clocks', async () => {
    for (const zone of ZONES) {
      await Promise.all(CLOCKS.flatMap((at) => DAYS.map((on) => compare(zone, at, on))));
    }
  });

  async function compare(zone: string, at: string, on: Days): Promise<void> {
    const calendar = calendarOf({ at, on }, zone);
    const scheduleId = `${zone}/${at}/${String(on)}`;
    const { spec, theirs } = await matching(scheduleId, calendar);
    assert.ok(theirs.length > 10, scheduleId);
    // Where the range begins, the server counts what is behind it only.
    const ours = timesBetween(calendar, FROM, UNTIL - 1000);
    assert.deepEqual(ours.map(text), theirs.filter((time) => time > FROM && time < UNTIL).map(text), scheduleId);
    assert.deepEqual(timingOf(spec), { calendar }, scheduleId);
  }

  /** A schedule as the server has it, and its times from FROM until UNTIL. */
  async function matching(
    scheduleId: string,
    calendar: Calendar,
  ): Promise<{ readonly spec: Parameters<typeof timingOf>[0]; readonly theirs: readonly number[] }> {
    const handle = await create(scheduleId, { calendar });
    const { startTime } = await client.workflowService.listScheduleMatchingTimes({
      namespace: 'default',
      scheduleId,
      startTime: seconds(FROM),
      endTime: seconds(UNTIL),
    });
    const { spec } = await handle.describe();
    return { spec, theirs: (startTime ?? []).map((time) => Number(time.seconds) * 1000) };
  }

  it('are those of some months of the year, where the calendar has such', async () => {
    const timeZone = 'Europe/Berlin';
    const quarterly = calendarOf({ at: '09:00', on: 'third sunday', months: [10, 1, 4, 7] }, timeZone);
    assert.equal(daysInWords(quarterly), 'the third sunday of january, april, july and october');
    const { spec, theirs } = await matching('quarterly', quarterly);
    assert.deepEqual(theirs.map(text), timesBetween(quarterly, FROM, UNTIL).map(text));
    assert.deepEqual(
      theirs.map((time) => text(time).slice(0, 16)),
      ['2027-01-17T08:00', '2027-04-18T07:00', '2027-07-18T07:00', '2027-10-17T07:00'],
    );
    assert.deepEqual(timingOf(spec), { calendar: quarterly });
    const yearly = calendarOf({ at: '09:00', on: 'every day', months: [2] }, 'UTC');
    assert.equal(daysInWords(yearly), 'every day in february');
    assert.equal(nextTimes(yearly, Date.parse('2027-03-01T00:00:00Z'), 1).map(text)[0], '2028-02-01T09:00:00.000Z');
    assert.deepEqual(timingOf((await matching('yearly', yearly)).spec), { calendar: yearly });
  });

  it('are those that it says come next', async () => {
    const calendar = calendarOf({ at: '04:00', on: 'every day' }, 'Europe/Berlin');
    const handle = await create('next', { calendar });
    const { info } = await handle.describe();
    const [first] = info.nextActionTimes;
    assert.ok(first);
    const ours = nextTimes(calendar, first.getTime() - 1000, info.nextActionTimes.length);
    assert.deepEqual(
      ours.map(text),
      info.nextActionTimes.map((time) => time.toISOString()),
    );
  });

  it('are seen as changed where a hand has given a schedule anything else', async () => {
    const calendar = calendarOf({ at: '04:00', on: 'sunday' }, 'UTC');
    const [own] = specOf({ calendar }).calendars ?? [];
    const others = [
      { calendars: [{ ...own, year: 2027 }] },
      { calendars: [{ ...own, second: 30 }] },
      { calendars: [{ ...own, hour: [4, 16] }] },
      { calendars: [{ ...own, dayOfMonth: 15 }] },
      { calendars: [own ?? {}, { hour: 9 }] },
      { calendars: [own ?? {}], jitter: '5m' },
      { calendars: [own ?? {}], skip: [{ dayOfMonth: 1 }] },
      { calendars: [own ?? {}], intervals: [{ every: '1h' }] },
      { intervals: [{ every: '1h', offset: '5m' }] },
    ];
    for (const [index, spec] of others.entries()) {
      const handle = await client.schedule.create({ scheduleId: `changed-${index}`, action: ACTION, spec, ...PAUSED });
      assert.equal(timingOf((await handle.describe()).spec), null, JSON.stringify(spec));
    }
  });

  function create(scheduleId: string, timing: Parameters<typeof specOf>[0]) {
    return client.schedule.create({ scheduleId, action: ACTION, spec: specOf(timing), ...PAUSED });
  }
});

const ACTION = { type: 'startWorkflow', workflowType: 'x', taskQueue: 'x', args: [] } as const;
const PAUSED = { state: { paused: true } };

function seconds(time: number) {
  // The client takes a number here, which its type does not say.
  return { seconds: (time / 1000) as never };
}

function text(time: number): string {
  return new Date(time).toISOString();
}
