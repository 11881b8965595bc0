import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { siteSigner, trustedKeys } from '../../../../activities/keys/site-keys.ts';
import { deliverCopies } from '../../../../activities/operations/catch-up/deliver.ts';
import { recordDrillEvidence } from '../../../../activities/operations/drill/evidence.ts';
import { readDrills } from '../../../../activities/operations/drill/read.ts';
import { lookAtRecovered } from '../../../../activities/operations/drill/probes.ts';
import { recordDrill } from '../../../../activities/operations/drill/record.ts';
import { reportDrill } from '../../../../activities/operations/drill/report.ts';
import { verifyPlace, type PlaceProblem } from '../../../../activities/operations/place/verify-place.ts';
import { prune } from '../../../../activities/operations/prune/index.ts';
import type { Site } from '../../../../activities/site.ts';
import { pinned, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { readEvidence } from '../../../../activities/storage/evidence-file.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { isDamaged, readOverview } from '../../../../client/backups/overview.ts';
import { filesSource } from '../../../../model/config/source.ts';
import type { DrilledSource, DrillReport } from '../../../../model/drill/drill.ts';
import { drillMarkdown } from '../../../../model/drill/markdown.ts';
import { canonical } from '../../../../model/manifest.ts';
import { storedSchema } from '../../../../model/schemas.ts';
import { z } from 'zod';
import { writeBackup } from '../../../support/backups.ts';
import { drilledSource, drillReport } from '../../../support/drills.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { keysIn } from '../../../support/keys-in.ts';
import { startRemotes, type RemoteServers } from '../../../support/remote-site.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';

const NONE_DID = [{ step: 'restore', code: 'verification-failed', message: 'no copy did', remedy: null }];

describe('records of drills', () => {
  let remotes: RemoteServers;
  let folder: string;
  let site: Site;
  let root: string;

  before(async () => {
    remotes = await startRemotes();
  });
  beforeEach(async () => {
    folder = await temporaryFolder();
    const bucket = await remotes.remote('s3', folder);
    ({ root } = bucket);
    ({ site } = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: ['/etc/hostname'] } },
      destinations: {
        vault: { type: 'directory', path: path.join(folder, 'vault') },
        far: { type: 'directory', path: path.join(folder, 'far') },
        bucket: bucket.config,
      },
    }));
  });
  after(async () => {
    await remotes.close();
    await cleanUp();
  });

  function record(report: DrillReport) {
    return recordDrill({ site, report, work: testWork() });
  }

  it('are signed, the same at every place, delivered later where one was away, and left as they are by the same drill again', async () => {
    const report = drillReport();
    const key = `drills/${report.runId}.json`;
    await rm(path.join(folder, 'far'), { recursive: true });
    const { warnings } = await record(report);
    assert.equal(warnings.length, 1);
    assert.match(warnings.join(), /the record of the drill could not be copied to far/);
    const files = [site.repository, path.join(folder, 'vault'), root].map((at) => path.join(at, key));
    const [first, ...others] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    assert.deepEqual(others, [first, first]);
    const published = z.fromJSONSchema(JSON.parse(JSON.stringify(storedSchema('drill'))));
    assert.equal(published.safeParse(JSON.parse(first ?? '')).success, true);

    await mkdir(path.join(folder, 'far'));
    const caughtUp = await deliverCopies({ site, destination: 'far', deadline: null, work: testWork() });
    assert.deepEqual([caughtUp.state, caughtUp.copied.records], ['served', 1], JSON.stringify(caughtUp));
    assert.equal(await readFile(path.join(folder, 'far', key), 'utf8'), first);

    await record(report);
    assert.equal(await readFile(path.join(site.repository, key), 'utf8'), first);
    await record({ ...report, outcome: 'partial' });
    const everywhere = await readDrills(site);
    assert.deepEqual(
      everywhere.read.map(({ runId, outcome }) => [runId, outcome]),
      [[report.runId, 'partial']],
    );
    assert.deepEqual(everywhere.problems, []);
    const newer = await deliverCopies({ site, destination: 'bucket', deadline: null, work: testWork() });
    assert.deepEqual([newer.state, newer.copied.records], ['served', 0], 'nothing is owed where it was replaced');
  });

  it('count for nothing when damaged, signed by a stranger, or under the name of another, and are named', async () => {
    const good = drillReport({ declared: '2026-07-19T09:00:00.000Z' });
    const { record: signed } = await record(good);
    const foreign = signer(newSigningKey().privatePem);
    const { signature: _, ...unsigned } = { ...signed, runId: 'drill-foreign' };
    const put = (name: string, text: string) => writeFile(path.join(site.repository, 'drills', `${name}.json`), text);
    await put('drill-foreign', JSON.stringify({ ...unsigned, signature: foreign.sign(canonical(unsigned)) }));
    await put('drill-changed', JSON.stringify({ ...signed, runId: 'drill-changed', rto: 1 }));
    await put('drill-replayed', JSON.stringify(signed));
    await put('drill-torn', JSON.stringify(signed).slice(0, 500));
    const { read, problems } = await readDrills(site);
    assert.deepEqual(
      read.map(({ runId, rto }) => [runId, rto]),
      [[good.runId, good.rto]],
    );
    const said = problems.map(({ place, problem }) => `${place}: ${problem}`).join('\n');
    for (const expected of [
      /repository: drills\/drill-foreign\.json counts for nothing: its signer is not trusted here/,
      /repository: drills\/drill-changed\.json counts for nothing: it was changed after it was signed/,
      /repository: drills\/drill-replayed\.json counts for nothing: it is drills\/drill-2026-07-19T09:00:00Z\.json, under the name of another/,
      /repository: drills\/drill-torn\.json counts for nothing: .*not JSON/,
    ])
      assert.match(said, expected);
    assert.equal(problems.length, 4);

    // The good one is written anew over one that was damaged, and is there with the repository gone.
    await put(good.runId, '{}');
    await record(good);
    await rm(site.repository, { recursive: true });
    const left = await readDrills(site);
    assert.deepEqual(
      left.read.map(({ runId }) => runId),
      [good.runId],
    );
    assert.match(left.problems.map(({ place }) => place).join(), /repository/);
    assert.deepEqual(
      (await readDrills(site, 'bucket')).read.map(({ runId }) => runId),
      [good.runId],
    );
    await assert.rejects(readDrills(site, null), { code: 'unreachable' });
  });

  it('are left alone by retention, listing, and the walk through a place', async () => {
    const backup = await backedUp();
    await record(drillReport({ declared: '2020-01-18T09:00:00.000Z' }));
    const before = await keysIn(path.join(folder, 'vault'));
    assert.ok(before.some((key) => key.startsWith('drills/drill-2020')));
    const later = Date.now() + 400 * 86_400_000;
    await prune({ site, now: later, apply: true, work: testWork() });
    for (const at of ['repository', 'vault'])
      assert.ok(
        (await keysIn(path.join(folder, at))).some((key) => key.startsWith('drills/drill-2020')),
        at,
      );
    const { entries, problems, recoveryPoints } = await readOverview(site);
    assert.deepEqual([problems, recoveryPoints], [[], []]);
    assert.ok(entries.every(({ source }) => source === backup.name.source));
    const found: PlaceProblem[] = [];
    await verifyPlace({
      site,
      store: openDestination('vault', site),
      destination: 'vault',
      repository: repositoryStore(site.repository),
      others: [],
      tell: (problem) => found.push(problem),
      work: testWork(),
    });
    assert.deepEqual(
      found.filter(({ problem }) => problem === 'extra'),
      [],
    );
  });

  it('prove what was restored and asked, at the place that it came from; a red probe speaks against it, and nothing asked proves nothing', async () => {
    const backup = await backedUp();
    const choice = (source: string) => ({
      ...(drilledSource({ source, at: [1, 2, 3, 4, 5] }).choice ?? assert.fail()),
      backup: pinned(backup.manifest),
    });
    const asked = drilledSource({ source: 'wiki', at: [1, 2, 3, 4, 5], fields: { choice: choice('wiki') } });
    const silent = { ...asked, source: 'silent', probes: [] };
    const answering = {
      ...asked,
      source: 'answering',
      probes: [{ name: 'answers', ok: true, detail: '', milliseconds: 1, own: true as const }],
    };
    const lost = { ...asked, source: 'lost', restored: null };
    const noClient = {
      name: 'sql',
      ok: false,
      detail: 'psql is not installed',
      milliseconds: 1,
      asked: false as const,
    };
    const unasked = { ...asked, source: 'unasked', outcome: 'failed' as const, probes: [noClient] };
    const own = { name: 'answers', ok: false, detail: 'no such database', milliseconds: 1, own: true as const };
    const dead = { ...asked, source: 'dead', outcome: 'failed' as const, probes: [own] };
    const report = drillReport({ sources: [asked, silent, answering, lost, unasked, dead] });
    const evidence = await recordDrillEvidence({ site, report, work: testWork() });
    assert.deepEqual(
      evidence.recorded.map(({ source, place }) => [source, place]),
      [['wiki', 'vault']],
    );
    assert.deepEqual(
      evidence.unrecorded.map(({ source, why }) => [source, why]),
      [
        ['silent', 'it was restored, and nothing was asked of it: it has no probes'],
        ['answering', 'it was restored, and nothing was asked of it: it has no probes'],
        ['lost', 'it was not restored'],
        ['unasked', 'it was restored, and could not be asked: psql is not installed'],
        ['dead', 'it was restored, and does not work (answers): no such database'],
      ],
    );
    const entry = async () => (await readOverview(site)).entries[0] ?? assert.fail('it is listed');
    assert.deepEqual((await entry()).proven, { place: 'vault', time: '2026-10-18T09:13:25.000Z', ok: true });
    assert.deepEqual(await recordDrillEvidence({ site, report, work: testWork() }), evidence, 'once more, the same');

    const red = { name: 'sql', ok: false, detail: 'the table orders is missing', milliseconds: 1 };
    const half = { ...asked, outcome: 'failed' as const, probes: [...asked.probes, noClient], steps: [] };
    await recordDrillEvidence({ site, report: drillReport({ sources: [half] }), work: testWork() });
    assert.equal((await entry()).proven?.ok, true, 'what was not asked speaks against nothing');
    const broken = { ...asked, probes: [red, noClient], steps: [] };
    await recordDrillEvidence({ site, report: drillReport({ sources: [broken] }), work: testWork() });
    assert.equal((await entry()).proven?.ok, false);
  });

  it('speak against each copy that turned out damaged, at its place alone, whether another one did or not', async () => {
    const backup = pinned((await backedUp()).manifest);
    const { choice, restored, ...drilled } = drilledSource({ source: 'wiki', at: [1, 2, 3, 4, 5] });
    assert.ok(choice && restored);
    const chosen = { ...drilled, choice: { ...choice, backup } };
    const tried = { passed: ['vault: the artifact is too short', 'far: it is away'], damaged: ['vault'] };
    const entry = async () => (await readOverview(site)).entries[0] ?? assert.fail('it is listed');
    for (const [day, how] of [
      ['18', { restored: { ...restored, ...tried, place: null } }],
      ['19', { restored: null, tried }],
    ] as const) {
      const declared = `2026-10-${day}T09:00:00.000Z`;
      const report = drillReport({ declared, sources: [{ ...chosen, ...how, steps: [] }] });
      const { recorded } = await recordDrillEvidence({ site, report, work: testWork() });
      assert.deepEqual(
        recorded.map(({ place }) => place),
        how.restored ? ['repository', 'vault'] : ['vault'],
      );
      const { ended: time } = report;
      assert.deepEqual((await entry()).verified, [{ place: 'vault', time, ok: false }]);
      assert.deepEqual([isDamaged(await entry(), 'vault'), isDamaged(await entry(), 'repository')], [true, false]);
      const evidence = await readEvidence(openDestination('vault', site), await trustedKeys(site), 'wiki');
      assert.deepEqual(evidence.at(-1)?.verdict, 'failed');
    }
    assert.deepEqual((await entry()).proven, { place: 'repository', time: '2026-10-18T09:05:02.000Z', ok: true });
    const markdown = drillMarkdown(
      drillReport({ sources: [{ ...chosen, restored: null, tried, errors: NONE_DID }] }),
      [],
    );
    assert.match(markdown, /wiki.*tried: vault: the artifact is too short/);
  });

  it('say nothing of the repository of another host, which has one of its own', async () => {
    const backup = pinned((await backedUp()).manifest);
    const { choice, restored, ...drilled } = drilledSource({ source: 'wiki', at: [1, 2, 3, 4, 5], place: null });
    assert.ok(choice && restored);
    const source = { ...drilled, choice: { ...choice, backup } };
    const of = async (how: Pick<DrilledSource, 'restored'>, host: string) => {
      const report = drillReport({ sources: [{ ...source, ...how }], fields: { host } });
      return recordDrillEvidence({ site, report, work: testWork() });
    };
    const there = await of({ restored }, 'other');
    assert.deepEqual(there.unrecorded, [{ source: 'wiki', why: 'it came from the repository of other' }]);
    const damaged = { passed: ['repository: the artifact is too short'], damaged: ['repository'] };
    const besides = await of({ restored: { ...restored, ...damaged, place: 'vault' } }, 'other');
    assert.deepEqual(
      [there, besides].map(({ recorded }) => recorded.map(({ place }) => place)),
      [[], ['vault']],
    );
    assert.deepEqual(
      (await of({ restored }, site.host)).recorded.map(({ place }) => place),
      ['repository'],
    );
  });

  it('are proof by the last of them, wherever it was found', async () => {
    const backup = pinned((await backedUp()).manifest);
    const { choice, restored, ...drilled } = drilledSource({ source: 'wiki', at: [1, 2, 3, 4, 5] });
    assert.ok(choice && restored);
    const red = [{ name: 'sql', ok: false, detail: 'the table orders is missing', milliseconds: 1 }];
    for (const [day, how] of [
      ['18', { restored: { ...restored, place: 'vault' } }],
      ['19', { restored: { ...restored, place: null }, probes: red }],
    ] as const) {
      const sources = [{ ...drilled, choice: { ...choice, backup }, ...how, steps: [] }];
      const report = drillReport({ declared: `2026-10-${day}T09:00:00.000Z`, sources });
      await recordDrillEvidence({ site, report, work: testWork() });
    }
    const [entry] = (await readOverview(site)).entries;
    assert.deepEqual([entry?.proven?.place, entry?.proven?.ok], ['repository', false]);
  });

  it('tell of a place that does not take what was proven there, and keep nothing from the others', async () => {
    const backup = await backedUp();
    const { choice, restored, ...drilled } = drilledSource({ source: 'wiki', at: [1, 2, 3, 4, 5] });
    assert.ok(choice && restored);
    const of = (place: string) => ({
      ...drilled,
      choice: { ...choice, backup: pinned(backup.manifest) },
      restored: { ...restored, place },
    });
    await rm(path.join(folder, 'far'), { recursive: true });
    const report = drillReport({ sources: [of('far'), of('vault')] });
    const errors = await reportDrill({ site, report, work: testWork() });
    const told = errors.filter(({ message }) => message.startsWith('what the drill showed'));
    assert.deepEqual(
      told.map(({ step, code }) => [step, code]),
      [['report', 'unreachable']],
    );
    assert.match(told[0]?.message ?? '', /^what the drill showed of wiki is not on record at far: /);
    assert.notEqual(told[0]?.remedy, null);
    assert.equal((await readOverview(site)).entries[0]?.proven?.place, 'vault');
  });

  it('of what could not be asked on this machine are marked so, and it is red', async () => {
    const restored = path.join(folder, 'restored');
    await mkdir(restored);
    await writeFile(path.join(restored, 'page'), 'a page');
    const probes = [
      { name: 'asks', command: ['no-such-program'] },
      { name: 'page', file: '/page', contains: 'a page' },
    ];
    const { wiki } = site.config.sources;
    assert.ok(wiki);
    const parsed = filesSource.parse({ type: 'files', paths: ['/page'], probes });
    const asked = { ...site, config: { ...site.config, sources: { wiki: { ...wiki, probes: parsed.probes } } } };
    const looking = { source: 'wiki', service: null, restored, scratch: path.join(folder, 'asking'), work: testWork() };
    const seen = await lookAtRecovered({ ...looking, site: asked });
    assert.deepEqual(
      seen.map(({ name, ok, asked: was }) => [name, ok, was]),
      [
        ['is there', true, undefined],
        ['asks', false, false],
        ['page', true, undefined],
      ],
    );
  });

  async function backedUp(): Promise<Catalogued> {
    const options = { source: 'wiki', group: 'apps', signer: await siteSigner(site) } as const;
    const roots = [site.repository, path.join(folder, 'vault')];
    const [made] = await Promise.all(roots.map((each) => writeBackup(each, options)));
    return made ?? assert.fail();
  }
});
