/** Plans of the config that would keep each other from capturing. */
import assert from 'node:assert/strict';
import { crossedPlans } from '../../../client/schedules/crossed.ts';
import { siteConfig, type SiteInput } from '../../../model/config/site.ts';

const RECIPIENTS = [
  'age1cw6xvz5jp3uf3ndj5x3e2sdg3qkct4n6dj9yy5zy5y0cu64hlydqdlzuht',
  'age1fq5q27u9g73evp676ultr58lpjx79szy6nu9j79q67sdx8wg0c9qrxk0kt',
];
type Custom = NonNullable<NonNullable<SiteInput['plans']>['custom']>[string];

/** Of a site with the strategy's own plans and this one. */
function crossed(extra: Custom, timeZone = 'UTC'): readonly string[] {
  const config = siteConfig.parse({
    site: 'prod',
    timeZone,
    repository: '/backups',
    encryption: { recipients: RECIPIENTS },
    signing: {},
    sources: { db: { type: 'postgres' }, wiki: { type: 'files', paths: ['/srv/wiki'] } },
    plans: { custom: { extra } },
  });
  return crossedPlans(config, Date.UTC(2026, 10, 24));
}

describe('plans that cross', () => {
  it('are told, with what to do: one of the tier is due between the time of another and its phase', () => {
    const [told, ...more] = crossed({ at: '02:15' });
    assert.deepEqual(more, []);
    assert.match(
      told ?? '',
      /^extra is due at 02:15, behind the time of daily \(02:00\) and before its phase of apps begins/,
    );
    assert.match(
      told ?? '',
      /newer backup of wiki in its tier, and capture nothing\. Give one of the two another time/,
    );
    assert.equal(crossed({ at: '02:15' }, 'Europe/Berlin').length, 1);
    assert.equal(crossed({ at: '01:30', tier: 'weekly', on: 'sunday' }).length, 1, 'the weekly has its apps at 02:00');
    assert.equal(crossed({ at: '02:30' }).length, 1, 'who of the two is first nobody knows');
    assert.equal(crossed({ at: '01:30', phases: { apps: '02:30' } }).length, 1, 'the other way around');
  });

  it('are none with other times, tiers, days, sources or later phases, nor as the strategy has them', () => {
    assert.deepEqual(crossed({ at: '12:00' }), []);
    assert.deepEqual(crossed({ at: '02:00' }), [], 'at one time it is one backup');
    assert.deepEqual(crossed({ at: '02:15', tier: 'weekly' }), [], 'the apps of the weekly are done at 02:00');
    assert.deepEqual(crossed({ at: '01:30', tier: 'weekly', on: 'monday' }), []);
    assert.deepEqual(crossed({ at: '02:15', sources: ['db'] }), []);
    assert.deepEqual(crossed({ at: '02:15', phases: { apps: '02:45' } }), []);
    assert.deepEqual(crossed({ at: '02:15', enabled: false }), []);
  });
});
