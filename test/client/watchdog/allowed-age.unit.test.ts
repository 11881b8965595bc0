import assert from 'node:assert/strict';
import { parseConfig } from '../../../activities/config/parse.ts';
import { allowedAge } from '../../../client/watchdog/allowed-age.ts';

const HOUR = 3_600_000;
const SITE = `
site: test
repository: /backups
encryption:
  recipients:
    - age1cw6xvz5jp3uf3ndj5x3e2sdg3qkct4n6dj9yy5zy5y0cu64hlydqdlzuht
    - age1fq5q27u9g73evp676ultr58lpjx79szy6nu9j79q67sdx8wg0c9qrxk0kt
signing: {}
sources: { a: { type: files, paths: [/a] }, b: { type: files, paths: [/b] } }
`;

describe('how old a newest backup may be', () => {
  it('is the longest time between two runs of the plan that makes them most often, and half a day', () => {
    assert.equal(age(''), 36 * HOUR);
    assert.equal(age('daily: { on: [monday, tuesday] }, weekly: { enabled: false }'), (6 * 24 + 12) * HOUR);
    assert.equal(age('daily: { enabled: false }'), (7 * 24 + 12) * HOUR);
    assert.equal(age('daily: { enabled: false }, weekly: { enabled: false }, monthly: { enabled: false }'), 36 * HOUR);
  });

  it('is by the plans that the source is in', () => {
    const plans = 'daily: { enabled: false }, custom: { nightly: { at: "03:00", tier: daily, sources: [a] } }';
    assert.equal(age(plans, 'a'), 36 * HOUR);
    assert.equal(age(plans, 'b'), (7 * 24 + 12) * HOUR);
  });

  function age(plans: string, source = 'a'): number {
    const parsed = parseConfig(`${SITE}plans: { ${plans} }\n`, 'config.yaml', {});
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return allowedAge(parsed.config, source);
  }
});
