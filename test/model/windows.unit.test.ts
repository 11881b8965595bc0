import assert from 'node:assert/strict';
import { siteConfig } from '../../model/config/site.ts';
import { copyWindow, type CopyWindow } from '../../model/config/windows.ts';
import { openingOf, windowsInWords } from '../../model/windows.ts';

const NIGHT: CopyWindow = { from: '22:00', to: '06:00' };

describe('the windows of a destination', () => {
  it('are open by the time of day, over midnight too, from their first minute to before their last', () => {
    const open = ['22:00', '23:59', '00:00', '05:59'].map((time) => openingOf([NIGHT], at(time), 'UTC').open);
    const closed = ['06:00', '12:00', '21:59'].map((time) => openingOf([NIGHT], at(time), 'UTC').open);
    assert.deepEqual([...open, ...closed], [true, true, true, true, false, false, false]);
    const day = { from: '00:00', to: '24:00' };
    for (const time of ['00:00', '23:59']) assert.equal(openingOf([day], at(time), 'UTC').open, true);
  });

  it('are those of the site', () => {
    assert.equal(openingOf([NIGHT], at('21:30'), 'Europe/Berlin').open, true, 'half past ten there');
    assert.equal(openingOf([NIGHT], at('05:30'), 'Europe/Berlin').open, false);
  });

  it('always is where there are none', () => {
    assert.deepEqual(openingOf(undefined, at('12:00'), 'UTC'), { open: true });
  });

  it('give the rate of the one that allows most', () => {
    const slow = { from: '00:00', to: '24:00', maxRate: 1000 };
    assert.deepEqual(openingOf([slow], at('12:00'), 'UTC'), { open: true, maxRate: 1000 });
    assert.deepEqual(openingOf([slow, { ...NIGHT, maxRate: 5000 }], at('23:00'), 'UTC'), { open: true, maxRate: 5000 });
    assert.deepEqual(openingOf([slow, NIGHT], at('23:00'), 'UTC'), { open: true });
    assert.equal(windowsInWords([NIGHT], 'UTC'), '22:00–06:00 UTC');
  });

  it('are refused where they are no times of day, or open and close at once', () => {
    for (const [from, to] of [
      ['24:01', '06:00'],
      ['9:00', '10:00'],
      ['22:00', '22:00'],
    ])
      assert.equal(copyWindow.safeParse({ from, to }).success, false, `${from} ${to}`);
    assert.equal(siteConfig.shape.plans.parse({}).catchUp.every, 900_000);
  });

  function at(time: string): number {
    return Date.parse(`2026-11-26T${time}:30Z`);
  }
});
