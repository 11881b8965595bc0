import assert from 'node:assert/strict';
import { jitterOf, phaseBegins, phaseTimes } from '../../../model/timetable/phases.ts';

describe('the times of phases', () => {
  it('follow the time of the plan where the config says nothing, and one another where it says something', () => {
    const offsets = { apps: 30, system: 60, configs: 60 };
    assert.deepEqual(phaseTimes('02:00', {}, offsets), { apps: '02:30', system: '03:00', configs: '03:00' });
    assert.deepEqual(phaseTimes('23:30', {}, offsets), { apps: '00:00', system: '00:30', configs: '00:30' });
    assert.deepEqual(phaseTimes('02:00', { apps: '04:00' }, offsets), {
      apps: '04:00',
      system: '04:00',
      configs: '04:00',
    });
    assert.deepEqual(phaseTimes('06:00', { configs: '07:00' }, {}), { configs: '07:00' });
  });

  it('are moments of the day of the run, or of the next one where the clock shows them later', () => {
    assert.equal(begins('02:30', '2026-11-23T02:00:00Z', 'UTC'), '2026-11-23T02:30:00.000Z');
    assert.equal(begins('02:00', '2026-11-23T02:00:00Z', 'UTC'), '2026-11-23T02:00:00.000Z');
    assert.equal(begins('00:15', '2026-11-23T23:30:00Z', 'UTC'), '2026-11-24T00:15:00.000Z');
    assert.equal(begins('02:30', '2026-11-22T17:00:00Z', 'Asia/Tokyo'), '2026-11-22T17:30:00.000Z');
  });

  it('hold on days that daylight saving changes: neither a day late, nor before the run itself', () => {
    // In spring clocks in Berlin go from 02:00 to 03:00 at 01:00Z; in autumn from 03:00 to 02:00 at 01:00Z.
    assert.equal(begins('02:30', '2027-03-28T00:00:00Z', 'Europe/Berlin'), '2027-03-28T01:30:00.000Z');
    assert.equal(begins('03:00', '2027-03-28T00:00:00Z', 'Europe/Berlin'), '2027-03-28T01:00:00.000Z');
    assert.equal(begins('02:30', '2027-10-31T01:00:00Z', 'Europe/Berlin'), '2027-10-31T01:30:00.000Z');
    assert.equal(begins('02:30', '2027-10-30T23:00:00Z', 'Europe/Berlin'), '2027-10-31T01:30:00.000Z');
    assert.equal(begins('03:00', '2027-10-31T01:00:00Z', 'Europe/Berlin'), '2027-10-31T02:00:00.000Z');
    // Half an hour on Lord Howe, and midnight itself in Santiago.
    assert.equal(begins('02:15', '2027-10-02T15:00:00Z', 'Australia/Lord_Howe'), '2027-10-02T15:45:00.000Z');
    assert.equal(begins('00:30', '2027-09-05T03:30:00Z', 'America/Santiago'), '2027-09-05T04:30:00.000Z');
  });

  function begins(time: string, scheduled: string, zone: string): string {
    return new Date(phaseBegins(time, Date.parse(scheduled), zone)).toISOString();
  }
});

describe('jitter', () => {
  it('is the same for the same run, spreads others over all of it, and is none where none is wanted', () => {
    const names = Array.from({ length: 1000 }, (_none, index) => `site${index}/daily-2026-11-23T02:00:00Z`);
    const values = names.map((name) => jitterOf(name, 600_000));
    assert.deepEqual(
      values,
      names.map((name) => jitterOf(name, 600_000)),
    );
    assert.ok(values.every((value) => value >= 0 && value <= 600_000 && Number.isInteger(value)));
    const quarters = [0, 1, 2, 3].map(
      (quarter) => values.filter((value) => Math.floor(value / 150_001) === quarter).length,
    );
    assert.ok(
      quarters.every((count) => count > 150),
      quarters.join(),
    );
    assert.equal(jitterOf('x', 0), 0);
  });
});
