import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import { newSigningKey, signer as makeSigner, type Signer } from '../../../../activities/keys/signing.ts';
import { chooseDrill } from '../../../../activities/operations/drill/choose.ts';
import { planDrill } from '../../../../activities/operations/drill/plan.ts';
import { makeSandbox } from '../../../../activities/operations/drill/sandbox.ts';
import type { Site } from '../../../../activities/site.ts';
import { pinned, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { signEvidence, writeEvidence } from '../../../../activities/storage/evidence-file.ts';
import type { DrillAsked, DrillChoice } from '../../../../model/drill/drill.ts';
import { EVIDENCE_SCHEMA, type UnsignedEvidence, type Verified } from '../../../../model/evidence.ts';
import { canonical, type Manifest } from '../../../../model/manifest.ts';
import { recoveryPointKey } from '../../../../model/paths.ts';
import { RECOVERY_POINT_SCHEMA } from '../../../../model/recovery-point.ts';
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
      sources: { wiki: { type: 'files', paths: ['/srv/wiki'] }, shop: { type: 'files', paths: ['/srv/shop'] } },
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

  it('is never an older one without a word: what is newer is named, with why it is not taken', async () => {
    const [taken, damaged, gone, unreadable, unnamed, strange] = await Promise.all([
      backup('18'),
      backup('19'),
      backup('20'),
      backup('21'),
      backup('22'),
      backup('23', undefined, { signer: makeSigner(newSigningKey().privatePem) }),
    ]);
    // As a run names it that captured nothing: none that a check has found damaged.
    await point('19', taken);
    await point('20', gone);
    await point('21', unreadable);
    await rm(path.join(folder, 'vault', gone.folder), { recursive: true });
    await writeFile(path.join(folder, 'vault', unreadable.folder, 'manifest.json'), '{}');
    for (const [time, verdict] of [
      ['2026-11-19T03:00:00.000Z', 'ok'],
      ['2026-11-19T04:00:00.000Z', 'failed'],
    ] as const)
      await writeEvidence(
        openDestination('vault', site),
        damaged.name,
        signEvidence(found(damaged, time, verdict), signer),
      );
    const { sources, passed } = await choose();
    assert.deepEqual(
      sources.map(({ backup: chosen }) => chosen),
      [pinned(taken.manifest)],
    );
    const told = (of: Catalogued) => passed.filter((one) => one.includes(of.name.id));
    assert.deepEqual(told(damaged), [
      'vault: daily/wiki/20261119T020000Z-full is damaged, as a check found at 2026-11-19T04:00:00.000Z',
    ]);
    assert.deepEqual(told(gone), [
      'daily/wiki/20261120T020000Z-full: recovery points name it, and no place that is left has it',
    ]);
    assert.match(told(unreadable).join(), /^vault: daily\/apps\/wiki\/\S+ counts as no backup: [^,]+$/);
    assert.match(told(strange).join(), /^vault: \S+ counts as no backup: no key that is trusted here has signed it/);
    // As the full behind a restore in place.
    assert.deepEqual(told(unnamed), [
      'vault: daily/wiki/20261122T020000Z-full is newer, and stands in no recovery point',
    ]);
    assert.deepEqual(told(taken), []);
  });

  it('is older than the run where what that had made is gone, and not where a later run had other sources alone', async () => {
    const [before, wiki, shop] = await Promise.all([
      backup('20'),
      backup('21'),
      backup('22', undefined, { source: 'shop' }),
    ]);
    await point('20', before);
    await point('21', wiki, shop);
    await point('22', shop);
    const chosen = async () =>
      (await choose({ sources: ['wiki', 'shop'] })).sources.map((one) => [one.backup.reference, one.stale]);
    const ofShop = [pinned(shop.manifest).reference, false];
    assert.deepEqual(await chosen(), [[pinned(wiki.manifest).reference, false], ofShop]);
    await rm(path.join(folder, 'vault', wiki.folder), { recursive: true });
    assert.deepEqual(await chosen(), [[pinned(before.manifest).reference, true], ofShop]);
  });

  it('is older than a run where that was to capture it and had not, and not where that had other sources', async () => {
    const [wiki, shop] = await Promise.all([backup('21'), backup('22', undefined, { source: 'shop' })]);
    const both = { sources: ['wiki', 'shop'] };
    // Of plans of their own, or one of them was new.
    await point('21', wiki);
    await point('22', shop);
    assert.deepEqual(await stale(both), [false, false]);
    await failedPoint('23', shop);
    assert.deepEqual(await stale(both), [false, true]);
    await failedPoint('24', wiki, shop);
    assert.deepEqual(await stale(both), [true, true]);
  });

  it('is the newest, also where a later run took an older one: that of the archive takes a full of the last seven days', async () => {
    const [full, daily] = await Promise.all([backup('20'), backup('22')]);
    await point('20', full);
    await point('22', daily);
    await point('23', full);
    const { sources } = await choose();
    assert.deepEqual(
      sources.map((one) => [one.backup, one.stale]),
      [[pinned(daily.manifest), false]],
    );
  });

  it('is older than a run only where there was one, and where it is: what no run names may be newer', async () => {
    await backup('20');
    assert.deepEqual(await stale(), [false]);
    const gone = await backup('21');
    await point('21', gone);
    await rm(path.join(folder, 'vault', gone.folder), { recursive: true });
    assert.deepEqual(await stale(), [true]);
    const unnamed = await backup('23');
    const { sources } = await choose();
    assert.deepEqual(
      sources.map((one) => [one.backup, one.stale]),
      [[pinned(unnamed.manifest), false]],
    );
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

  /** A recovery point of that day, which has made these backups. */
  function point(day: string, ...made: readonly Catalogued[]): Promise<void> {
    return writePoint(day, made, false);
  }

  /** One that has made nothing, and names what was there. */
  function failedPoint(day: string, ...before: readonly Catalogued[]): Promise<void> {
    return writePoint(day, before, true);
  }

  async function writePoint(day: string, named: readonly Catalogued[], isStale: boolean): Promise<void> {
    const scheduled = `2026-11-${day}T03:00:00Z`;
    const id = `daily-${scheduled}`;
    const sources = named.map(({ manifest }) => ({
      source: manifest.source,
      outcome: isStale ? 'failed' : 'complete',
      backup: pinned(manifest),
      stale: isStale,
      copies: [],
      error: null,
    }));
    const of = { schema: RECOVERY_POINT_SCHEMA, id, site: 'test', plan: 'daily', scheduled, created: scheduled };
    const unsigned = { ...of, outcome: isStale ? 'failed' : 'complete', sources };
    const record = { ...unsigned, signature: signer.sign(canonical(unsigned)) };
    const file = path.join(folder, 'vault', recoveryPointKey(id));
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(record));
  }

  /** What a verification at the vault found. */
  function found({ manifest }: Catalogued, time: string, verdict: Verified['verdict']): UnsignedEvidence {
    const of = { schema: EVIDENCE_SCHEMA, site: 'test', destination: 'vault', what: 'verify' } as const;
    return { ...of, checks: [], backup: pinned(manifest), time, verdict };
  }

  function options(day: string) {
    return { source: 'wiki', group: 'apps', scheduled: `2026-11-${day}T02:00:00Z`, signer } as const;
  }

  /** Of each source, in their order. */
  async function stale(how: Partial<DrillAsked> = {}): Promise<readonly boolean[]> {
    return (await choose(how)).sources.map((one) => one.stale);
  }

  async function choose(how: Partial<DrillAsked> = {}): Promise<DrillChoice> {
    const asked = { site: 'test', plan: 'drill', scheduled: DECLARED, sources: ['wiki'], ...how };
    const { runId, scenario, host, steps, waits, at } = planDrill(site, asked);
    const input = { runId, scenario, host, steps, waits, declared: DECLARED, at };
    await makeSandbox(site, input);
    return chooseDrill(site, input);
  }
});
