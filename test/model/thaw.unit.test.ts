import assert from 'node:assert/strict';
import { money } from '../../client/cli/copies/thaw-text.ts';
import { DEEP_ARCHIVE_TIMES, GLACIER_TIMES, thawConfig } from '../../model/config/destinations/thaw.ts';
import { intervalOf, NO_FACTS, previewOf, requireTime, thawId } from '../../model/thaw.ts';

const GIGABYTE = 2 ** 30;
const amount = (objects: number, gigabytes: number) => ({ objects, bytes: gigabytes * GIGABYTE });

describe('the preview of a thaw', () => {
  const facts = { ...NO_FACTS, all: amount(3000, 30), frozen: amount(2000, 20), thawing: amount(1000, 10) };
  const { prices } = thawConfig.parse({
    prices: {
      asOf: '2026-11-26',
      speeds: { standard: { perGigabyte: 0.02, perThousandRequests: 0.1 } },
      perGigabyteMonth: 0.03,
      transferPerGigabyte: 0.09,
    },
  });

  it('counts what is frozen for the retrieval and its days, and all of it for the way here', () => {
    const [standard, bulk] = previewOf(facts, DEEP_ARCHIVE_TIMES, { prices, days: 10 });
    const rounded = Object.entries(standard?.cost ?? {}).map(([name, value]) => [
      name,
      typeof value === 'number' ? Number(value.toFixed(6)) : value,
    ]);
    assert.deepEqual(Object.fromEntries(rounded), {
      retrieval: 0.4,
      requests: 0.2,
      kept: 0.2,
      transfer: 2.7,
      total: 3.5,
      currency: 'USD',
      asOf: '2026-11-26',
    });
    assert.deepEqual([bulk?.speed, bulk?.cost], ['bulk', null], 'no price of it: no figure');
  });

  it('has the speeds of the place alone, without prices too', () => {
    const of = (takes: typeof GLACIER_TIMES | typeof DEEP_ARCHIVE_TIMES) =>
      previewOf(facts, takes, { prices: undefined, days: 7 }).map(({ speed, cost }) => [speed, cost]);
    assert.deepEqual(of(DEEP_ARCHIVE_TIMES), [
      ['standard', null],
      ['bulk', null],
    ]);
    assert.equal(of(GLACIER_TIMES).length, 3);
    assert.throws(() => requireTime(DEEP_ARCHIVE_TIMES, 'expedited', 'archive'), { code: 'usage' });
  });

  it('looks more often where it takes minutes', () => {
    const config = thawConfig.parse({});
    assert.equal(intervalOf(config, GLACIER_TIMES.expedited), 30_000);
    assert.equal(intervalOf(config, GLACIER_TIMES.standard), 15 * 60_000);
  });

  it('writes small sums so that they say something', () => {
    assert.deepEqual([0, 12.345, 0.1, 0.00421, 0.000001].map(money), ['0.00', '12.35', '0.10', '0.0042', '<0.0001']);
  });

  it('one backup at one place is one wait, and with a target another one', () => {
    const of = { site: 'prod', destination: 'archive', backup: { reference: 'yearly/pg/x', sha256: '' } };
    assert.equal(thawId({ ...of, target: null }), 'thaw/prod/archive/yearly/pg/x');
    assert.equal(thawId({ ...of, target: { kind: 'end' } }), 'thaw/prod/archive/yearly/pg/x/end');
    assert.notEqual(
      thawId({ ...of, target: { kind: 'before', position: '0-1-42' } }),
      thawId({ ...of, target: { kind: 'position', position: '0-1-42' } }),
    );
  });
});
