import assert from 'node:assert/strict';
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import type { Site } from '../../../../activities/site.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { signManifest } from '../../../../activities/storage/manifest-file.ts';
import { formatReference } from '../../../../model/reference.ts';
import { parseTarget } from '../../../../model/target.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, ship as shipAt, SOURCE } from './backups.ts';
import { recoverTo, rowsIn } from './recoveries.ts';

describe('recovery of a PostgreSQL source to a restore point', function () {
  this.timeout(180_000);
  let folder: string;
  let server: TestPostgres;
  let site: Site;
  let restores = 0;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, settings: { synchronous_commit: 'on' } });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
    await ship();
    await capture(site, scheduled());
    await server.sql('INSERT INTO t VALUES (1)');
    await server.sql(`SELECT pg_create_restore_point('of the old full')`);
    await ship();
    await capture(site, scheduled());
    await server.sql('INSERT INTO t VALUES (2)');
    await server.sql(`SELECT pg_create_restore_point('before the change')`);
    await server.sql('INSERT INTO t VALUES (3)');
    await ship();
    await server.sql('INSERT INTO t VALUES (4)');
    await ship();
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  const scheduled = scheduledTimes();
  const ship = () => shipAt(site, scheduled());

  function place(): string {
    return path.join(folder, `restored-${restores++}`);
  }

  /** Refused, and the folder is as it was; no scratch is left. */
  async function refused(at: string) {
    const to = place();
    await mkdir(to, { mode: 0o750 });
    const error = await isBackupError(recoverTo({ site, to, at }), 'refused');
    assert.deepEqual(await readdir(to), []);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('.restore-')),
      [],
    );
    return error;
  }

  async function fulls(): Promise<readonly string[]> {
    return (await listed(site)).flatMap(({ name, manifest }) =>
      manifest.kind === 'full' ? [formatReference(name)] : [],
    );
  }

  it('P04 that nobody made is refused with the range that was searched, the names in it, and what to do', async () => {
    const [, newest] = await fulls();
    const error = await refused('name:never made');
    assert.match(
      error.message,
      /^There is no restore point "never made" in the WAL from \d{4}-\S+Z \(0\/[0-9A-F]+\) to \d{4}-\S+Z \(0\/[0-9A-F]+\)\. Nothing was changed\.$/,
    );
    assert.match(error.remedy ?? '', /^In it are: "before the change"\. If it was made before the end of /);
    assert.ok(
      error.remedy?.includes(`${newest}, name an older backup: mosaic-backup restore REF --at "name:never made"`),
    );
  });

  it('P04 that was made before the newest full is reached from the older one, as the refusal says', async () => {
    const error = await refused('name:of the old full');
    assert.match(error.remedy ?? '', /name an older backup/);
    const catalogue = await listed(site);
    const from = catalogue.find(({ manifest }) => manifest.kind === 'full');
    assert.ok(from);
    const plan = planRecovery({ catalogue, source: SOURCE, target: parseTarget('name:of the old full'), from });
    const to = place();
    const store = repositoryStore(site.repository);
    await restoreBackup({ site, store, chain: plan.chain, replay: plan, to, paths: [], work: testWork() });
    assert.deepEqual(await rowsIn(to, server.binaries.folder), [1]);
  });

  it('one of ours is known from the manifests: reached by the backup before it, refused before anything is fetched', async () => {
    const catalogue = await listed(site);
    const points = catalogue
      .filter(({ manifest }) => manifest.kind === 'logs')
      .toSorted((a, b) => a.manifest.finished.localeCompare(b.manifest.finished))
      .map(({ manifest }) => logsPosition.parse(manifest.position).restorePoint ?? '');
    const [old, newest] = await fulls();
    const planned = (name: string) =>
      planRecovery({ catalogue, source: SOURCE, target: { kind: 'name', name } }).chain.map((each) =>
        formatReference(each.name),
      );
    assert.deepEqual(planned(points[1] ?? ''), [old]);
    assert.deepEqual(planned(points[2] ?? ''), [newest]);
    const to = place();
    await recoverTo({ site, to, at: `name:${points[2]}` });
    assert.deepEqual(await rowsIn(to, server.binaries.folder), [1, 2, 3]);
    const error = await withoutArtifacts(() => refused(`name:mosaic ${SOURCE}-1-0123456789ab`));
    assert.match(error.message, /no logs here end at it.*Nothing was changed/);
  });

  it('P04 where the WAL cannot be searched to its end beforehand, the FATAL of PostgreSQL is said in words', async () => {
    const catalogue = await listed(site);
    const plan = planRecovery({ catalogue, source: SOURCE, target: parseTarget('name:never made') });
    const last = plan.logs.at(-1);
    assert.ok(last);
    // As of logs that came without anybody having closed a segment: where they end is not known.
    const { signature: _signature, ...unsigned } = last.manifest;
    const position = { ...last.manifest.position, restorePoint: null };
    const endless = signManifest({ ...unsigned, position }, await siteSigner(site));
    const replay = { ...plan, logs: [...plan.logs.slice(0, -1), { ...last, manifest: endless }] };
    const store = repositoryStore(site.repository);
    const to = place();
    const error = await isBackupError(
      restoreBackup({ site, store, chain: plan.chain, replay, to, paths: [], work: testWork() }),
      'refused',
    );
    assert.match(
      error.message,
      /^The restore point "never made" is not in the WAL from .* to .*Nothing was changed\.$/,
    );
    assert.match(error.remedy ?? '', /name an older backup/);
    assert.ok(!(await readdir(folder)).includes(path.basename(to)));
  });

  /** Nothing can be fetched meanwhile. */
  async function withoutArtifacts<Result>(use: () => Promise<Result>): Promise<Result> {
    const away = `${site.repository}-away`;
    const all = await readdir(site.repository, { recursive: true });
    // Not by way of the link `latest` as well.
    const artifacts = all.filter((name) => name.endsWith('.age') && !name.includes('latest'));
    await mkdir(away);
    const moved = artifacts.map((name, index) => [path.join(site.repository, name), path.join(away, String(index))]);
    for (const [from = '', to = ''] of moved) await rename(from, to);
    try {
      return await use();
    } finally {
      for (const [from = '', to = ''] of moved) await rename(to, from);
    }
  }
});
