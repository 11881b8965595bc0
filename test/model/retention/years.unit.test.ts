import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { RetentionInput } from '../../../model/retention/types.ts';
import { requireRules } from './invariants.ts';
import { CHAIN, DAY, live, type Event } from './world.ts';

const days = (most: number) => fc.integer({ min: 1, max: most });
const back = fc.nat(60);
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ what: fc.constantFrom('off', 'fails', 'unreadable', 'shrinks', 'killed'), days: days(20) }),
  // For longer than any tier is kept: what was verified before is all that there is.
  fc.record({ what: fc.constant('unverified'), days: days(90) }),
  fc.record({ what: fc.constant('away'), place: fc.nat(2), days: days(45) }),
  fc.record({
    what: fc.constant('clock'),
    hours: fc.integer({ min: -900, max: 900 }),
    days: days(4),
    told: fc.boolean(),
  }),
  fc.record({ what: fc.constantFrom('hold', 'lock', 'prove', 'damage'), back, days: days(400) }),
  fc.record({
    what: fc.constant('period'),
    tier: fc.constantFrom('daily', 'weekly', 'monthly', 'yearly', 'logs'),
    period: fc.constantFrom('1 day', '3 days', '2 weeks', '9 weeks', '2 months', '1 year'),
    days: days(45),
  }),
);
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe');
/** Over a leap day, and over changes of the clocks in spring and autumn. */
const begin = fc.constantFrom('2027-08-20T02:00:00Z', '2023-10-28T23:30:00Z').map((text) => Date.parse(text));

function calendar(span: number) {
  const entry = fc.tuple(fc.nat(span - 60), event);
  return fc.array(entry, { minLength: 5, maxLength: 40 }).map((entries) => {
    const byDay = Map.groupBy(entries, ([day]) => day);
    return new Map([...byDay].map(([day, of]) => [day, of.map(([, each]) => each)]));
  });
}

/** Sixty quiet days after all that: what is kept is what the table says, the chain behind it, and what is held. */
function requireBounded({ places, holds, now }: RetentionInput): void {
  for (const { name, backups, locks } of places) {
    if (backups === null) continue;
    const count = (tier: string | null) => backups.filter((each) => each.tier === tier).length;
    // Held, locked, proven and verified ones, each with its chain.
    const locked = [...locks.values()].filter((until) => until > now).length;
    const spare = (holds.length + locked + 4) * (CHAIN + 2);
    assert.ok(count('daily') <= 7 + spare, `${count('daily')} dailies at ${name}`);
    assert.ok(count('weekly') <= 4 + spare, `${count('weekly')} weeklies at ${name}`);
    assert.ok(count('monthly') <= 14 + spare, `${count('monthly')} monthlies at ${name}`);
    assert.ok(count('yearly') <= 8 + spare, `${count('yearly')} yearlies at ${name}`);
    assert.ok(count(null) <= 28 + 8 + spare, `${count(null)} logs at ${name}`);
  }
}

/** Days: over a whole year of monthly backups and its seasons. */
const SPAN = 450;

describe('retention over years', () => {
  it('P43 breaks no rule, whatever fails, is away, jumps, is changed or killed, and storage stays bounded', () => {
    let deleted = 0;
    fc.assert(
      fc.property(calendar(SPAN), zone, begin, (events, timeZone, first) => {
        const end = live({
          timeZone,
          begin: first,
          days: SPAN,
          every: 1,
          events,
          look: (input, decisions, gone) => {
            deleted += gone.length;
            requireRules(input, decisions, gone);
          },
        });
        requireBounded(end);
      }),
      { numRuns: 30 },
    );
    assert.ok(deleted > 1000, 'hardly anything was ever deleted');
  });

  it('keeps yearly backups for seven years, and no longer', () => {
    let oldest = 0;
    const end = live({
      timeZone: 'Europe/Berlin',
      begin: Date.parse('2024-02-29T02:00:00Z'),
      days: 9 * 366,
      every: 7,
      events: new Map(),
      look: (input, decisions, gone) => {
        // Every day of nine years would take long, and shows no more.
        if (gone.some(({ backup }) => backup.tier === 'yearly')) requireRules(input, decisions, gone);
        for (const { backup } of gone) {
          if (backup.tier === 'yearly') oldest = Math.max(oldest, (input.now - backup.scheduled) / DAY);
        }
      },
    });
    requireBounded(end);
    assert.ok(oldest >= 7 * 365 && oldest <= 7 * 366 + 8, `a yearly went after ${oldest} days`);
    const cold = end.places.find(({ name }) => name === 'cold')?.backups ?? [];
    assert.ok(cold.filter(({ tier }) => tier === 'yearly').length >= 7);
  });
});
