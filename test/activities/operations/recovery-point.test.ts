import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { loadSite } from '../../../activities/config/load.ts';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { newSigningKey } from '../../../activities/keys/signing.ts';
import { planRun } from '../../../activities/operations/plan-run.ts';
import { writeRecoveryPoint } from '../../../activities/operations/recovery-point.ts';
import type { Site } from '../../../activities/site.ts';
import { signEvidence, writeEvidence } from '../../../activities/storage/evidence-file.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { EVIDENCE_SCHEMA, type UnsignedEvidence } from '../../../model/evidence.ts';
import { recoveryPoint, type RecoveryPoint } from '../../../model/recovery-point.ts';
import type { RunReport, SourceReport } from '../../../model/run.ts';
import { pinned } from '../../../activities/storage/catalogue.ts';
import { testBackup, writeBackup } from '../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const WIKI = { source: 'wiki', group: 'apps' } as const;
const SCHEDULED = '2026-11-23T02:00:00Z';

describe('the recovery point of a run', () => {
  let folder: string;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    const files = { type: 'files' as const, paths: [path.join(folder, 'data')] };
    test = await makeSite({ folder, sources: { board: files, wiki: files } });
  });
  after(cleanUp);

  it('is partial where the run is: a hook of the plan warned, and all sources are complete', async () => {
    const warning = { step: 'hooks before', code: 'failed', message: 'it ended with 3', remedy: null };
    const reports = [complete('board'), complete('wiki')];
    assert.equal((await point(test.site, reports, [warning])).outcome, 'partial');
    assert.equal((await point(test.site, reports)).outcome, 'complete');
  });

  it('keeps what it said of sources that were not asked for this time, also once the key is another one', async () => {
    await point(test.site, [complete('board'), complete('wiki')]);
    const site = await rotated();
    const after = await point(site, [complete('wiki')]);
    assert.deepEqual(after.sources.map(({ source, stale }) => `${source} ${stale}`).toSorted(), [
      'board false',
      'wiki false',
    ]);
    // One that nobody signed whom the site trusts says nothing.
    const key = `recovery-points/${after.id}.json`;
    const forged = { ...after, sources: [...after.sources, { ...after.sources[0], source: 'forged' }] };
    await writeFile(path.join(site.repository, key), JSON.stringify(forged));
    assert.deepEqual(
      (await point(site, [complete('wiki')])).sources.map(({ source }) => source),
      ['wiki'],
    );
  });

  it('has for a source that was not captured the newest good backup: of this host, or of the host that it lived on since', async () => {
    const { site } = await makeSite({
      folder: await temporaryFolder(),
      sources: { wiki: { type: 'files', paths: ['/srv/wiki'] } },
    });
    const made = (day: string, root: string) =>
      writeBackup(root, { ...WIKI, scheduled: `2026-11-${day}T02:00:00Z`, signer: signing });
    const signing = await siteSigner(site);
    const [oldest, damaged] = [await made('10', site.repository), await made('11', site.repository)];
    const failed = { source: 'wiki', state: 'failed', outcome: 'failed', captured: null } as const;
    const away: SourceReport = { ...failed, copies: [], verified: false, errors: [] };
    const stands = async () => (await point(site, [away])).sources.find(({ source }) => source === 'wiki')?.backup;
    assert.deepEqual(await stands(), pinned(damaged.manifest));
    const found: UnsignedEvidence = {
      schema: EVIDENCE_SCHEMA,
      site: 'test',
      backup: pinned(damaged.manifest),
      destination: null,
      what: 'verify',
      time: '2026-11-12T02:00:00.000Z',
      checks: [],
      verdict: 'failed',
    };
    await writeEvidence(repositoryStore(site.repository), damaged.name, signEvidence(found, signing));
    assert.deepEqual(await stands(), pinned(oldest.manifest), 'not what a check found damaged');

    // It lives on another host since, whose backups are not here; points tell of them.
    const elsewhere = await made('20', await temporaryFolder());
    const { captured } = complete('wiki');
    assert.ok(captured);
    const moved = { ...complete('wiki'), captured: { ...captured, backup: pinned(elsewhere.manifest) } };
    await point(site, [moved], [], '2026-11-20T02:00:00Z');
    assert.deepEqual(await stands(), pinned(elsewhere.manifest), 'not the older one that is left here');
    // And back again.
    const back = await made('21', site.repository);
    assert.deepEqual(await stands(), pinned(back.manifest));
  });

  function complete(source: string): SourceReport {
    const backup = pinned(testBackup({ source, group: 'apps' }).manifest);
    const captured = {
      backup,
      kind: 'full',
      bytes: 1,
      plainBytes: 1,
      milliseconds: 1,
      warnings: [],
      partial: false,
      existed: false,
    } as const;
    return { source, state: 'done', outcome: 'complete', captured, copies: [], verified: true, errors: [] };
  }

  async function point(
    site: Site,
    sources: readonly SourceReport[],
    errors: RunReport['errors'] = [],
    scheduled = SCHEDULED,
  ): Promise<RecoveryPoint> {
    const names = sources.map(({ source }) => source);
    const spec = planRun(site, { site: 'test', plan: 'daily', scheduled, sources: names });
    const report: RunReport = { runId: spec.runId, outcome: 'complete', sources, errors };
    assert.deepEqual(await writeRecoveryPoint({ site, spec, report, work: testWork() }), { warnings: [] });
    const bytes = await repositoryStore(site.repository).readSmall(`recovery-points/${spec.runId}.json`);
    return recoveryPoint.parse(JSON.parse(Buffer.from(bytes ?? '').toString()));
  }

  /** The site with a new signing key; the old one stays trusted, as `keys rotate --signing` leaves it. */
  async function rotated(): Promise<Site> {
    const { privatePem, publicKey } = newSigningKey();
    const file = path.join(folder, 'keys', 'new.pem');
    await writeFile(file, privatePem, { mode: 0o600 });
    const config: SiteInput = parse(await readFile(test.file, 'utf8'));
    const trusted = [...(config.signing?.trusted ?? []), publicKey];
    await writeFile(test.file, stringify({ ...config, signing: { key: { file }, trusted } }));
    return loadSite({ file: test.file });
  }
});
