import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import type { Signer } from '../../../../activities/keys/signing.ts';
import { chooseDrill } from '../../../../activities/operations/drill/choose.ts';
import { planDrill } from '../../../../activities/operations/drill/plan.ts';
import { makeSandbox } from '../../../../activities/operations/drill/sandbox.ts';
import type { Site } from '../../../../activities/site.ts';
import { pinned, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import type { DrillAsked, DrillChoice } from '../../../../model/drill/drill.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import { writeBackup, type BackupOptions } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';

const DECLARED = '2026-11-24T09:00:00.000Z';

describe('what a drill recovers', () => {
  let folder: string;
  let site: Site;
  let signer: Signer;

  beforeEach(async () => {
    folder = await temporaryFolder();
    const directory = (name: string) => ({ type: 'directory', path: path.join(folder, name) }) as const;
    ({ site } = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: ['/srv/wiki'] } },
      destinations: { vault: directory('vault'), second: directory('second') },
    }));
    signer = await siteSigner(site);
  });
  after(cleanUp);

  it('is the newest that is whole, and why those before it are not is said', async () => {
    const older = await backup('20');
    const full = await backup('22');
    const incremental = await backup('23', full.manifest);
    await rm(path.join(folder, 'vault', full.folder), { recursive: true });
    const { sources, lacking, passed } = await choose();
    assert.deepEqual(
      sources.map(({ backup: chosen, place }) => [chosen, place]),
      [[pinned(older.manifest), 'vault']],
    );
    assert.deepEqual(lacking, []);
    const why = passed.find((one) => one.startsWith('vault: '));
    assert.ok(why?.includes(incremental.name.id) || why?.includes(full.name.id), passed.join());

    await rm(path.join(folder, 'vault', older.folder), { recursive: true });
    const [none] = (await choose()).lacking;
    assert.equal(none?.why, `no place that is left has a backup of it whole: ${why}`);
  });

  it('says where another backup bears its name', async () => {
    await backup('20');
    await writeBackup(path.join(folder, 'second'), { ...options('20'), fields: { host: 'another' } });
    const { sources, passed } = await choose();
    assert.equal(sources.length, 1);
    assert.match(passed.join(), /: What bears the name daily\/wiki\/20261120T020000Z-full now is another backup/);
  });

  it('is nothing where nothing is left, without a word against any place', async () => {
    await backup('23');
    await rm(path.join(folder, 'vault'), { recursive: true });
    const { lacking, passed } = await choose();
    assert.deepEqual(lacking, [{ source: 'wiki', why: 'no backup of it is left' }]);
    assert.match(passed.join('\n'), /^vault: .*is not there/m);
  });

  it('was there at the moment of the mistake, in whatever zone that was written', async () => {
    const at = '2025-11-23T04:00:00+03:00';
    const [before, behind] = ['2025-11-22T02:00:00Z', '2025-11-23T02:00:00Z'];
    const [good] = await Promise.all([before, behind].map((scheduled) => backup('23', undefined, { scheduled })));
    const { sources, disaster } = await choose({ scenario: 'operator-error', at });
    assert.deepEqual(
      sources.map(({ backup: chosen }) => chosen),
      [pinned((good ?? assert.fail()).manifest)],
    );
    assert.equal(disaster, '2025-11-23T01:00:00.000Z');
  });

  it('may have been sealed in the very second of the mistake, and not behind it', async () => {
    const scheduled = '2025-11-23T02:00:00Z';
    const seen = async (at: string) => (await choose({ scenario: 'operator-error', at })).sources.length;
    await backup('23', undefined, { scheduled, fields: { finished: '2025-11-23T02:00:00.500Z' } });
    assert.deepEqual([await seen(scheduled), await seen('2025-11-23T02:00:00.600Z')], [0, 1]);
    await backup('22', undefined, { scheduled: '2025-11-22T02:00:00Z' });
    assert.equal(await seen('2025-11-22T02:00:00.100Z'), 1);
  });

  function backup(day: string, parent?: Manifest, others: Partial<BackupOptions> = {}): Promise<Catalogued> {
    return writeBackup(path.join(folder, 'vault'), { ...options(day), ...(parent && { parent }), ...others });
  }

  function options(day: string) {
    return { source: 'wiki', group: 'apps', scheduled: `2026-11-${day}T02:00:00Z`, signer } as const;
  }

  async function choose(how: Partial<DrillAsked> = {}): Promise<DrillChoice> {
    const asked = { site: 'test', plan: 'drill', scheduled: DECLARED, sources: ['wiki'], ...how };
    const { runId, scenario, host, steps, waits, at } = planDrill(site, asked);
    const input = { runId, scenario, host, steps, waits, declared: DECLARED, at };
    await makeSandbox(site, input);
    return chooseDrill(site, input);
  }
});
