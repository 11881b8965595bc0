import assert from 'node:assert/strict';
import path from 'node:path';
import { siteSigner, trustedKeys } from '../../../../activities/keys/site-keys.ts';
import { newestSuccesses } from '../../../../activities/operations/metrics/newest.ts';
import type { Site } from '../../../../activities/site.ts';
import { pinned, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { signEvidence, writeEvidence } from '../../../../activities/storage/evidence-file.ts';
import { openRepository, prepareRepository, repositoryStore } from '../../../../activities/storage/repository.ts';
import { EVIDENCE_SCHEMA, type Evidence, type UnsignedEvidence } from '../../../../model/evidence.ts';
import { writeBackup } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';

const AHEAD = '2027-11-22T02:00:00Z';

describe('the newest success of a source', () => {
  let site: Site;
  let backups: readonly Catalogued[];

  before(async () => {
    const folder = await temporaryFolder();
    ({ site } = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [path.join(folder, 'data')] } },
    }));
    await prepareRepository(site);
    const signer = await siteSigner(site);
    backups = await Promise.all(
      [AHEAD, '2026-11-22T02:00:00Z', '2026-11-23T02:00:00Z'].map((scheduled) =>
        writeBackup(site.repository, { source: 'stack', group: 'apps', scheduled, signer }),
      ),
    );
  });
  after(cleanUp);

  it('is none that the last check found damaged, none that a wrong clock has dated into the future, and one that is whole again', async () => {
    assert.equal(await newest(), '2026-11-23T02:00:00Z');
    await checked('failed', '2026-11-23T04:00:00.000Z');
    assert.equal(await newest(), '2026-11-22T02:00:00Z');
    await checked('ok', '2026-11-23T05:00:00.000Z');
    assert.equal(await newest(), '2026-11-23T02:00:00Z');
  });

  async function newest(): Promise<string | undefined> {
    const [store, trusted] = await Promise.all([openRepository(site), trustedKeys(site)]);
    const found = await newestSuccesses({ site, store, trusted, now: Date.parse('2026-11-24T00:00:00Z') });
    return found.find(({ source, destination }) => source === 'stack' && destination === 'repository')?.finished;
  }

  async function checked(verdict: Evidence['verdict'], time: string): Promise<void> {
    const last = backups.at(-1);
    assert.ok(last);
    const unsigned: UnsignedEvidence = {
      schema: EVIDENCE_SCHEMA,
      site: 'test',
      backup: pinned(last.manifest),
      destination: null,
      what: 'verify',
      time,
      checks: [],
      verdict,
    };
    await writeEvidence(repositoryStore(site.repository), last.name, signEvidence(unsigned, await siteSigner(site)));
  }
});
