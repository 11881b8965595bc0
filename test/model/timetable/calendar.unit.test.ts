import assert from 'node:assert/strict';
import {
  calendarInWords,
  calendarOf,
  shortestGap,
  type Calendar,
  type Days,
} from '../../../model/timetable/calendar.ts';
import { changeInWords, clockChanges } from '../../../model/timetable/clock-changes.ts';
import { isDue, nextTimes } from '../../../model/timetable/next-times.ts';

const NOW = Date.parse('2026-11-27T01:00:00Z');
const DAY = 86_400_000;

function calendar(at: string, on: Days, zone = 'UTC'): Calendar {
  return calendarOf({ at, on }, zone);
}

function next(of: Calendar, from = NOW, count = 3): readonly string[] {
  return nextTimes(of, from, count).map((time) => new Date(time).toISOString().slice(0, 16));
}

describe('the calendar of a plan', () => {
  it('gives its next times: days, weekdays, one of a month', () => {
    assert.deepEqual(next(calendar('02:00', 'every day')), [
      '2026-11-27T02:00',
      '2026-11-28T02:00',
      '2026-11-29T02:00',
    ]);
    assert.deepEqual(next(calendar('00:30', 'every day')), [
      '2026-11-28T00:30',
      '2026-11-29T00:30',
      '2026-11-30T00:30',
    ]);
    assert.deepEqual(next(calendar('01:00', 'sunday')), ['2026-11-29T01:00', '2026-12-06T01:00', '2026-12-13T01:00']);
    assert.deepEqual(next(calendar('01:00', ['friday', 'monday'])), [
      '2026-11-30T01:00',
      '2026-12-04T01:00',
      '2026-12-07T01:00',
    ]);
    assert.deepEqual(next(calendar('06:00', 'first sunday')), [
      '2026-12-06T06:00',
      '2027-01-03T06:00',
      '2027-02-07T06:00',
    ]);
    assert.deepEqual(next(calendar('06:00', 'fourth monday'), NOW, 1), ['2026-12-28T06:00']);
  });

  it('gives them in the zone of the site, through its changes of clocks', () => {
    const berlin = calendar('04:00', 'sunday', 'Europe/Berlin');
    const march = Date.parse('2027-03-20T00:00:00Z');
    assert.deepEqual(next(berlin, march), ['2027-03-21T03:00', '2027-03-28T02:00', '2027-04-04T02:00']);
    assert.deepEqual(next(calendar('01:00', 'every day', 'Asia/Tokyo'), NOW, 1), ['2026-11-27T16:00']);
  });

  it('knows whether it is due at a moment, to the second', () => {
    const daily = calendar('02:00', 'every day', 'Europe/Berlin');
    assert.equal(isDue(daily, Date.parse('2026-11-27T01:00:00Z')), true);
    for (const other of [
      '2026-11-27T01:00:01Z',
      '2026-11-27T00:59:59Z',
      '2026-11-27T02:00:00Z',
      '2026-11-27T01:00:00.5Z',
    ])
      assert.equal(isDue(daily, Date.parse(other)), false, other);
  });

  it('knows how close two of its times come', () => {
    const gaps: readonly (readonly [Days, number])[] = [
      ['every day', 1],
      ['sunday', 7],
      [['saturday', 'sunday'], 1],
      [['monday', 'thursday'], 3],
      ['first sunday', 28],
    ];
    for (const [on, days] of gaps) assert.equal(shortestGap(calendar('02:00', on)), days * DAY, String(on));
  });

  it('is told in words', () => {
    assert.equal(calendarInWords(calendar('02:00', 'every day')), 'every day at 02:00');
    assert.equal(calendarInWords(calendar('02:00', 'sunday')), 'every sunday at 02:00');
    assert.equal(calendarInWords(calendar('02:00', ['friday', 'monday'])), 'every monday and friday at 02:00');
    assert.equal(calendarInWords(calendar('06:00', 'third sunday')), 'the third sunday of the month at 06:00');
  });
});

describe('the days of the coming year on which clocks are changed', () => {
  it('are told where a time is left out or starts two runs, and only there', () => {
    const changes = (at: string, zone: string, on: Days = 'every day') => clockChanges(calendar(at, on, zone), NOW);
    assert.deepEqual(changes('02:30', 'UTC'), []);
    assert.deepEqual(changes('04:00', 'Europe/Berlin'), []);
    assert.deepEqual(changes('02:30', 'Europe/Berlin'), [{ date: '2027-03-28', runs: [] }]);
    assert.deepEqual(changes('01:30', 'America/New_York'), [{ date: '2027-11-07', runs: ['01:30', '01:30'] }]);
    assert.deepEqual(changes('02:15', 'Australia/Lord_Howe'), [{ date: '2027-10-03', runs: ['02:45'] }]);
    assert.deepEqual(changes('02:30', 'Europe/Berlin', 'monday'), []);
    // The server takes a day without midnight for the one before.
    assert.deepEqual(changes('03:00', 'America/Santiago', 'sunday'), [{ date: '2027-09-05', runs: [] }]);
  });

  it('are told with what to do', () => {
    const of = calendar('02:30', 'every day', 'Europe/Berlin');
    const [change] = clockChanges(of, NOW);
    assert.ok(change);
    assert.equal(
      changeInWords('daily', of, change),
      'daily (every day at 02:30): on 2027-03-28 clocks skip 02:30, and no run starts, by the daylight saving of Europe/Berlin. Another time of day (04:00, say) has no such day.',
    );
  });
});
