import assert from 'node:assert/strict';
import path from 'node:path';
import { leftIn } from '../../../../activities/operations/drill/scenario.ts';
import type { SiteInput } from '../../../../model/config/site.ts';
import type { Scenario } from '../../../../model/drill/drill.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';

const GONE = { repository: '/sandbox/repository', state: '/sandbox/state' };

describe('what a scenario leaves', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  after(cleanUp);

  async function left(scenario: Scenario, drill: NonNullable<SiteInput['plans']>['drill'] = {}): Promise<SiteInput> {
    const directory = (name: string) => ({ type: 'directory', path: path.join(folder, name) }) as const;
    const { site } = await makeSite({
      folder,
      hosts: {
        here: { repository: path.join(folder, 'of-here'), state: path.join(folder, 'state-of-here') },
        there: { state: path.join(folder, 'state-of-there') },
      },
      coordinator: 'here',
      sources: { wiki: { type: 'files', host: 'here', paths: ['/srv/wiki'] } },
      destinations: { vault: directory('vault'), second: directory('second') },
      plans: { drill },
    });
    return leftIn(scenario, site, GONE, '2026-11-24T09:00:00Z');
  }

  it('names no repository, state or signing key of any host of a site that is gone', async () => {
    for (const scenario of ['host-lost', 'primary-storage-lost', 'key-lost'] as const) {
      const config = await left(scenario, { secondIdentity: { file: '/media/kit/second.txt' } });
      assert.deepEqual([config.repository, config.state], [GONE.repository, GONE.state]);
      assert.deepEqual(Object.keys(config.hosts ?? {}), ['here', 'there']);
      const text = JSON.stringify(config);
      for (const gone of ['of-here', 'of-there', `${folder}/state`, `${folder}/repository`, 'signing.pem'])
        assert.ok(!text.includes(gone), `${scenario}: ${gone}`);
    }
  });

  it('is every destination but the first, or the one that the config calls the primary', async () => {
    const names = async (primary?: string) =>
      Object.keys((await left('primary-storage-lost', primary === undefined ? {} : { primary })).destinations ?? {});
    assert.deepEqual([await names(), await names('second')], [['second'], ['vault']]);
  });
});
