import assert from 'node:assert/strict';
import { planDrill } from '../../../../activities/operations/drill/plan.ts';
import type { Site } from '../../../../activities/site.ts';
import type { SiteInput } from '../../../../model/config/site.ts';
import { SCENARIOS, type DrillAsked } from '../../../../model/drill/drill.ts';
import { recoverySources, restoreCommands } from '../../../../model/drill/runbook-commands.ts';
import { drillAsked } from '../../../../model/received-drill.ts';
import { restoreWords } from '../../../../model/drill/restore-words.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';

const OWN = 'mosaic-backup-local';

describe('the plan of a drill', () => {
  after(cleanUp);

  async function siteWith(drill: NonNullable<SiteInput['plans']>['drill'], timeZone = 'UTC'): Promise<Site> {
    const files = { type: 'files' as const, paths: ['/etc/hostname'] };
    const { site } = await makeSite({
      folder: await temporaryFolder(),
      timeZone,
      sources: {
        board: { ...files, after: ['cache'], objectives: { rto: '10m' } },
        wiki: { ...files, after: ['db'] },
        cache: { type: 'redis', after: ['db'] },
        db: { type: 'postgres' },
      },
      plans: { drill },
    });
    return site;
  }

  function plan(site: Site, asked: Partial<DrillAsked> = {}, scheduled = '2026-01-18T09:00:00Z') {
    return planDrill(site, { site: 'test', plan: 'drill', scheduled, ...asked });
  }

  it('recovers in the order of the runbook: its own files, databases, then the others, each after those that it needs', async () => {
    const site = await siteWith({});
    const { steps } = plan(site);
    const names = steps.map(({ source }) => source);
    assert.deepEqual(names, [OWN, 'db', 'cache', 'board', 'wiki']);
    assert.deepEqual(
      recoverySources(site.config).map(({ name }) => name),
      names,
    );
    const board = steps.find(({ source }) => source === 'board');
    assert.deepEqual([board?.after, board?.objectives], [['cache'], { rpo: null, rto: 600_000 }]);
    // What is not recovered is not waited for.
    const [alone] = plan(site, { sources: ['board'] }).steps;
    assert.deepEqual(alone?.after, []);
    const some = await siteWith({ sources: ['wiki', 'db'] });
    assert.deepEqual(
      plan(some).steps.map(({ source }) => source),
      ['db', 'wiki'],
    );
  });

  it('refuses a source that there is not, and another site', async () => {
    const site = await siteWith({});
    assert.throws(() => plan(site, { sources: ['wiki', 'wikki'] }), { code: 'not-found', message: /wikki/ });
    assert.throws(() => plan(site, { site: 'other' }), { code: 'config' });
  });

  it('is declared at once when somebody starts it, and within plans.drill.declareWithin by the schedule', async () => {
    const site = await siteWith({ declareWithin: '3h' });
    assert.equal(plan(site).declareWithin, 0);
    assert.equal(plan(site, { timed: true }).declareWithin, 3 * 3_600_000);
  });

  it('takes the scenarios in turn, one each time that a drill is due, whatever the months', async () => {
    const scenarios = ['host-lost', 'key-lost'] as const;
    const turns = async (months: readonly number[], timeZone?: string) => {
      const site = await siteWith({ scenarios: [...scenarios], months: [...months] }, timeZone);
      return (times: readonly string[]) => times.map((time) => plan(site, {}, time).scenario);
    };
    const due = (months: readonly number[]) =>
      [2026, 2027].flatMap((year) => months.map((month) => `${year}-${String(month).padStart(2, '0')}-18T09:00:00Z`));
    for (const months of [
      [1, 7],
      [1, 4, 7, 10],
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
      [12, 3, 3],
    ]) {
      const sorted = [...new Set(months)].toSorted((a, b) => a - b);
      const taken = (await turns(months))(due(sorted));
      for (const [index, scenario] of taken.entries())
        if (index > 0 && sorted.length % 2 === 0) assert.notEqual(scenario, taken[index - 1], months.join());
      assert.deepEqual(new Set(taken).size, 2, months.join());
    }
    // Once a year, and of three.
    const yearly = (await turns([5]))(due([5]));
    assert.notEqual(yearly[0], yearly[1]);
    // By the calendar of the site: it is still june there.
    const zone = await turns([1, 7], 'America/New_York');
    const [june, july] = zone(['2026-07-01T02:00:00Z', '2026-07-01T09:00:00Z']);
    assert.notEqual(june, july);
  });

  it('takes the moment of a mistake in whatever zone it is written, as the Web UI sends it, and refuses what is none', async () => {
    const site = await siteWith({});
    const sent = { site: 'test', plan: 'drill', scheduled: '2025-11-24T09:00:00Z' };
    const at = '2025-11-23T09:59:00+01:00';
    const asked = drillAsked.parse({ ...sent, scenario: 'operator-error', at });
    assert.equal(plan(site, asked).at, '2025-11-23T08:59:00.000Z');
    assert.equal(plan(site, { ...asked, at: '2025-11-23T08:59:00Z' }).at, '2025-11-23T08:59:00.000Z');
    for (const none of ['yesterday', '2025-11-23T09:59:00', 'end', ''])
      assert.equal(drillAsked.safeParse({ ...asked, at: none }).success, false, none);
    for (const scenario of ['host-lost', 'primary-storage-lost', 'key-lost'] as const)
      assert.throws(() => plan(site, { ...asked, scenario }), {
        code: 'usage',
        message: /happens when it is declared/,
      });
    const later = new Date(Date.now() + 3_600_000).toISOString();
    assert.throws(() => plan(site, { ...asked, at: later }), { code: 'usage', message: /still to come/ });
  });

  it('gives the command that the runbook has, word for word but for what is known only then', async () => {
    const { config } = await siteWith({});
    for (const [name, logged] of [
      ['db', true],
      ['wiki', false],
    ] as const) {
      const source = recoverySources(config).find((one) => one.name === name) ?? assert.fail();
      const lines = restoreCommands({ config, source, scenario: 'host-lost', drill: null, logged });
      const line = lines.find((one) => one.startsWith('mosaic-backup ')) ?? assert.fail();
      const to = `"$RECOVERED"/${name}`;
      const options = ['-c', 'recovery.yaml'];
      const words = { options, what: 'latest', source: name, from: 'vault', at: logged ? 'end' : null, to };
      assert.equal(line, ['mosaic-backup', ...restoreWords<never>(words)].join(' '));
      // By the config of the recovery, whatever it says: a worker that is left goes by its own.
      for (const scenario of SCENARIOS) {
        const all = restoreCommands({ config, source, scenario, drill: null, logged });
        const restores = all.filter((one) => one.startsWith('mosaic-backup '));
        assert.ok(restores.length > 0 && restores.every((one) => one.endsWith(' --direct')), restores.join());
      }
    }
  });
});
