import assert from 'node:assert/strict';
import { planCatchUp } from '../../../../activities/operations/catch-up/plan.ts';
import { siteConfig, type SiteInput } from '../../../../model/config/site.ts';
import { BackupError } from '../../../../model/errors.ts';

const RECIPIENTS = [
  'age1cw6xvz5jp3uf3ndj5x3e2sdg3qkct4n6dj9yy5zy5y0cu64hlydqdlzuht',
  'age1fq5q27u9g73evp676ultr58lpjx79szy6nu9j79q67sdx8wg0c9qrxk0kt',
];
const INPUT = { site: 'prod', plan: 'catch-up', scheduled: '2026-11-26T02:15:00Z' };

describe('the plan of catch-up', () => {
  it('is each destination from each host that captures, and from the coordinator, whose recovery points they are', () => {
    const { steps, runId, notified } = planCatchUp(site(), INPUT);
    const pairs = steps.map(({ destination, host }) => `${destination} ${host}`);
    assert.deepEqual(pairs, ['vault head', 'vault stack1', 'remote head', 'remote stack1']);
    assert.equal(runId, 'catch-up-2026-11-26T02:15:00Z');
    assert.equal(notified, false);
  });

  it('is none for another site, nor for some sources only', () => {
    for (const [input, code] of [
      [{ ...INPUT, site: 'other' }, 'config'],
      [{ ...INPUT, sources: ['db'] }, 'usage'],
    ] as const)
      assert.throws(
        () => planCatchUp(site(), input),
        (error) => error instanceof BackupError && error.code === code && error.remedy !== undefined,
      );
  });

  function site() {
    const input: SiteInput = {
      site: 'prod',
      repository: '/backups',
      encryption: { recipients: RECIPIENTS },
      signing: {},
      hosts: { head: {}, stack1: {}, idle: {} },
      coordinator: 'head',
      sources: { db: { type: 'postgres', host: 'stack1' } },
      destinations: {
        vault: { type: 'directory', path: '/mnt/vault' },
        remote: { type: 'directory', path: '/mnt/remote' },
      },
    };
    return { config: siteConfig.parse(input), file: 'config.yaml' };
  }
});
