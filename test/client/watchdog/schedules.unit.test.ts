import assert from 'node:assert/strict';
import type { ListedSchedule } from '../../../client/schedules/existing.ts';
import type { Counted } from '../../../client/watchdog/memory.ts';
import { countedNow, schedulesConditions } from '../../../client/watchdog/schedules.ts';

const NOW = Date.UTC(2026, 10, 27, 2);
const LOGS = 'mosaic-backup/test/logs';

describe('what the watchdog makes of schedules', () => {
  it('a schedule that is missing or paused is told, with its note; one that is none of the config is not', () => {
    const other = 'mosaic-backup/test/by-hand';
    const found = look({}, [listed({ id: other, paused: true }), listed({ paused: true, note: 'new disks' })]).found;
    assert.deepEqual(
      found.map(({ alert, key }) => [alert, key]),
      [
        ['schedule-missing', 'schedule-missing/mosaic-backup/test/catch-up'],
        ['schedule-paused', `schedule-paused/${LOGS}`],
      ],
    );
    assert.match(found[1]?.message ?? '', /is paused.*Its note: new disks/);
  });

  it('a schedule that is on and starts none any more is told: a hand has given it a number of runs, and none is left', () => {
    const [found, ...more] = look({}, [listed({ next: null })]).found;
    assert.deepEqual([found?.alert, more], ['schedule-paused', []]);
    assert.match(found?.message ?? '', /is on, and starts no run any more/);
    assert.equal(look({}, [listed({ next: null, paused: true })]).found.length, 1);
  });

  it('a schedule whose time is over is told: Temporal answers, and does nothing', () => {
    const [found, ...more] = look({}, [listed({ next: '2026-11-27T01:40:00Z' })]).found;
    assert.deepEqual([found?.alert, more], ['schedule-skipping', []]);
    assert.match(found?.message ?? '', /was due at 2026-11-27T01:40:00Z, and Temporal has done nothing/);
    assert.deepEqual(alerts(look({}, [listed({ next: '2026-11-27T01:55:00Z' })])), [], 'it may be at it');
    assert.deepEqual(alerts(look({}, [listed({ next: '2026-11-27T01:40:00Z', paused: true })])), ['schedule-paused']);
  });

  it('times that were left out are counted from the last look on, until a start that leaves none out', () => {
    const first = look({}, [listed({ taken: 5, skipped: 7, missed: 1 })]);
    assert.deepEqual(alerts(first), [], 'what was before the first look is unknown, and nothing new');
    const second = look(first.counted, [listed({ taken: 5, skipped: 8, missed: 1 })]);
    assert.deepEqual(alerts(second), ['schedule-skipping']);
    const third = look(second.counted, [listed({ taken: 6, skipped: 10, missed: 3 })]);
    assert.match(third.found[0]?.message ?? '', /3 times since the run before.*2 times since Temporal/);
    const quiet = look(third.counted, [listed({ taken: 6, skipped: 10, missed: 3 })]);
    assert.deepEqual(alerts(quiet), ['schedule-skipping'], 'nothing was started since: it is not over');
    const over = look(quiet.counted, [listed({ taken: 7, skipped: 10, missed: 3 })]);
    assert.deepEqual(alerts(over), []);
  });

  it('a schedule that was made anew begins to count anew', () => {
    const { counted } = look({}, [listed({ taken: 50, skipped: 7 })]);
    const anew = look(counted, [listed({ taken: 1, skipped: 0 })]);
    assert.deepEqual(alerts(anew), []);
    assert.deepEqual(alerts(look(anew.counted, [listed({ taken: 1, skipped: 1 })])), ['schedule-skipping']);
  });

  function look(before: Readonly<Record<string, Counted>>, schedules: readonly ListedSchedule[]) {
    const wanted = schedules.length > 1 ? [LOGS, 'mosaic-backup/test/catch-up'] : [LOGS];
    const seen = { wanted, listed: schedules, before, host: 'local', now: NOW };
    const counted = countedNow(seen);
    return { counted, found: schedulesConditions(seen, counted) };
  }

  function alerts({ found }: ReturnType<typeof look>): readonly string[] {
    return found.map(({ alert }) => alert);
  }

  function listed(of: Partial<ListedSchedule>): ListedSchedule {
    return {
      id: LOGS,
      paused: false,
      note: null,
      schedule: null,
      next: '2026-11-28T02:00:00Z',
      nextTimes: [],
      lastRun: null,
      taken: 0,
      skipped: 0,
      missed: 0,
      ...of,
    };
  }
});
