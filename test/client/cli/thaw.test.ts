/** What lies frozen, on the command line: told, priced, thawed, restored, verified, and used for repairs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { copyToDestination } from '../../../activities/operations/copy-to.ts';
import { planRun } from '../../../activities/operations/plan-run.ts';
import { writeRecoveryPoint } from '../../../activities/operations/recovery-point.ts';
import { proveBackup, restoreBackup } from '../../../activities/operations/restore.ts';
import { listBackups, pinned } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { SourceReport } from '../../../model/run.ts';
import { makeColdSite, type ColdSite } from '../../support/cold.ts';
import { json, mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startMoto, stopMoto, type Moto } from '../../support/moto/index.ts';
import { writeRecoveryConfig } from '../../support/recovery-config.ts';
import { until } from '../../support/until.ts';
import { startCommand } from '../../support/worker-process.ts';
import { testWork } from '../../support/work.ts';

const amount = z.looseObject({ objects: z.number(), bytes: z.number() });
const thawed = z.looseObject({
  dryRun: z.boolean().optional(),
  facts: z.looseObject({ all: amount, frozen: amount, readable: amount, until: z.string().nullable() }),
  speeds: z
    .array(
      z.looseObject({
        speed: z.string(),
        most: z.number(),
        cost: z
          .looseObject({ total: z.number(), retrieval: z.number(), requests: z.number(), asOf: z.string() })
          .nullable(),
      }),
    )
    .optional(),
  outcome: z.string().nullable().optional(),
});

describe('a copy in cold storage, on the command line', () => {
  let moto: Moto;
  let cold: ColdSite;
  let turn = 0;

  before(async () => {
    moto = await startMoto();
    cold = await makeColdSite({ folder: await temporaryFolder(), moto });
    await copyTo('vault');
  });
  after(async () => {
    await stopMoto();
    await cleanUp();
  });

  function mosaic(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', cold.file, ...args]);
  }

  async function printed(...args: readonly string[]): Promise<z.output<typeof thawed>> {
    const ended = await mosaic('--json', ...args);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    return thawed.parse(JSON.parse(ended.stdout));
  }

  function target(): string {
    return path.join(cold.folder, `restored-${(turn += 1)}`);
  }

  it('is priced before anything is asked for: objects, sizes, times and costs by dated prices', async () => {
    const [, incremental] = cold.references('stack');
    for (const args of [[], ['--dry-run'], ['--dry-run', '--yes']]) {
      const { facts, speeds, dryRun } = await printed('copies', 'thaw', incremental, '--from', 'archive', ...args);
      assert.equal(dryRun, true);
      assert.deepEqual(facts.frozen, facts.all);
      const stored = (await listBackups(repositoryStore(cold.site.repository))).flatMap(
        ({ manifest }) => manifest.artifacts,
      );
      assert.deepEqual(facts.all, { objects: stored.length, bytes: stored.reduce((sum, { bytes }) => sum + bytes, 0) });
      assert.deepEqual(
        speeds?.map(({ speed, most }) => [speed, most / 3_600_000]),
        [
          ['standard', 12],
          ['bulk', 48],
        ],
      );
      const [standard] = speeds ?? [];
      assert.equal(standard?.cost?.asOf, '2026-11-26');
      assert.equal(standard.cost.retrieval, (facts.all.bytes / 2 ** 30) * 1024);
      assert.equal(standard.cost.requests, (facts.all.objects / 1000) * 10);
    }
    const { stderr, stdout } = await mosaic('copies', 'thaw', incremental, '--from', 'archive', '--speed', 'bulk');
    assert.match(stderr, /bulk \*\s+up to 2d/);
    assert.match(stderr, /In USD, by prices of 2026-11-26 out of the config/);
    assert.match(stdout, /nothing was asked for: --yes asks for \d+ objects with the speed bulk/);
    assert.deepEqual(await moto.asked(), []);
  });

  it('refuses a speed that the class does not have, days that are none, and a place where nothing freezes', async () => {
    const [full] = cold.references('stack');
    const thaw = (...args: readonly string[]) => mosaic('--json', 'copies', 'thaw', full, ...args);
    const expedited = json(await thaw('--from', 'archive', '--speed', 'expedited', '--yes')).error;
    assert.equal(expedited?.code, 'usage');
    assert.match(expedited.remedy ?? '', /standard or bulk/);
    assert.equal(json(await thaw('--from', 'archive', '--speed', 'fast')).error?.code, 'usage');
    assert.equal(json(await thaw('--from', 'archive', '--days', '0')).error?.code, 'usage');
    assert.equal(json(await thaw()).error?.code, 'usage');
    assert.match(json(await thaw('--from', 'vault')).error?.message ?? '', /Nothing freezes at vault/);
    assert.deepEqual(await moto.asked(), []);
  });

  /** The full alone. */
  async function copyTo(destination: string): Promise<void> {
    const [full] = await listBackups(repositoryStore(cold.site.repository));
    assert.ok(full);
    const backup = pinned(full.manifest);
    await copyToDestination({ site: cold.site, backup, destination, work: testWork() });
  }

  it('a restore says that it is frozen before anything is fetched, with the command, and with the copy that can be read at once', async () => {
    const [full, incremental] = cold.references('stack');
    const to = target();
    const refused = await mosaic('--json', 'restore', incremental, '--from', 'archive', '--to', to);
    assert.equal(refused.code, 4, refused.stderr);
    const { error } = json(refused);
    assert.equal(error?.code, 'frozen');
    assert.match(error.message, /lie frozen at archive.*Nothing was fetched/);
    assert.match(error.remedy ?? '', /At once: the same command with --from repository\./);
    assert.match(error.remedy ?? '', new RegExp(`copies thaw ${incremental} --from archive`));
    assert.ok(!existsSync(to));
    const other = json(await mosaic('--json', 'restore', full, '--from', 'archive', '--to', to)).error;
    assert.match(other?.remedy ?? '', /--from repository \(or vault\)/);
    const dry = await mosaic('restore', incremental, '--from', 'archive', '--to', to, '--dry-run');
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stderr, /standard \*/);
    const warm = ['restore', full, '--to', to, '--thaw', 'bulk'];
    assert.match((await mosaic(...warm, '--from', 'repository')).stderr, /--thaw is for cold storage/);
    assert.match((await mosaic(...warm, '--dry-run')).stderr, /--thaw is not needed: repository can be read at once/);
    // What would be refused in the end is refused before anything is paid for.
    const taken = await mosaic('--json', 'restore', full, '--from', 'archive', '--thaw', 'bulk', '--to', cold.folder);
    assert.equal(json(taken).error?.code, 'refused', taken.stdout);
    assert.deepEqual(await moto.asked(), []);
  });

  it('no operation makes anything, or fetches a byte, of what lies frozen', async () => {
    const store = openDestination('archive', cold.site);
    const chain = (await listBackups(store)).slice(0, 1);
    const fetched: string[] = [];
    const counting = { ...store, open: async (key: string) => (fetched.push(key), store.open(key)) };
    const request = { site: cold.site, store: counting, chain, work: testWork() };
    const within = path.join(cold.folder, 'never-made');
    await assert.rejects(restoreBackup({ ...request, to: path.join(within, 'restored'), paths: [] }), {
      code: 'frozen',
    });
    await assert.rejects(proveBackup({ ...request, within }), { code: 'frozen' });
    assert.ok(!existsSync(within));
    assert.deepEqual(fetched, []);
  });

  it('is verified by nothing while it lies frozen, and what is wrong with it all the same is told', async () => {
    const [full, incremental] = cold.references('stack');
    const one = await mosaic('verify', incremental, '--destination', 'archive');
    assert.equal(one.code, 4, one.stdout);
    for (const reference of [full, incremental])
      assert.match(one.stdout, new RegExp(`${reference} at archive: FROZEN`));
    assert.match(one.stdout, new RegExp(`copies thaw ${incremental} --from archive`));
    const all = await mosaic('verify', '--destination', 'archive');
    assert.equal(all.code, 3, all.stdout + all.stderr);
    assert.match(all.stdout, /archive: FROZEN: 2 backups, 0 B read/);
    assert.match(all.stdout, /2 lie frozen, and are not verified by this/);
    const listed = await mosaic('--json', 'list', '--destination', 'archive');
    assert.doesNotMatch(listed.stdout, /"ok": true/, 'no evidence says that it was verified');

    const Key = `${full.replace('daily', 'configs')}/base.tar.zst.age`;
    const good = await readFile(path.join(cold.site.repository, Key));
    await moto.admin.putObject({ Bucket: cold.bucket, Key, Body: good.subarray(1), StorageClass: 'DEEP_ARCHIVE' });
    const damaged = await mosaic('verify', '--destination', 'archive');
    assert.equal(damaged.code, 9, damaged.stdout);
    assert.match(damaged.stderr, /DAMAGED: base\.tar\.zst\.age: it has \d+ bytes, not \d+/);
    const repaired = await mosaic('copies', 'repair', '--to', 'archive', '--yes');
    assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
    assert.match(repaired.stdout, /repaired\s+base\.tar\.zst\.age\s+repository/);
    assert.match(repaired.stdout, /confirmed by the checksum of archive alone/);
    assert.equal((await mosaic('verify', '--destination', 'archive')).code, 3);
  });

  it('repairs nothing from what lies frozen, and says that it could', async () => {
    const [, incremental] = cold.references('stack');
    const file = path.join(cold.site.repository, incremental.replace('daily', 'configs'), 'base.tar.zst.age');
    const good = await readFile(file);
    await writeFile(file, 'damaged');
    const args = ['copies', 'repair', incremental, '--to', 'repository', '--from', 'archive', '--yes'];
    const repaired = await mosaic(...args);
    assert.equal(repaired.code, 9, repaired.stdout);
    assert.match(repaired.stdout, new RegExp(`it lies frozen at archive: mosaic-backup copies thaw ${incremental}`));
    assert.equal(await readFile(file, 'utf8'), 'damaged');
    const restore = json(await mosaic('--json', 'restore', incremental, '--to', target())).error;
    assert.equal(restore?.code, 'verification-failed');
    assert.match(restore.remedy ?? '', /No other place that can be looked at holds a good copy/);
    const frozen = await mosaic('copies', 'repair', incremental, '--to', 'archive', '--dry-run');
    assert.match(frozen.stdout, /archive\s+frozen/);
    await writeFile(file, good);
  });

  it('is asked for once, is waited for, and then restores as the source was; the same again asks for nothing', async () => {
    const [, incremental] = cold.references('stack');
    const thaw = ['copies', 'thaw', incremental, '--from', 'archive', '--yes', '--direct', '--days', '3'];
    const waiting = printed(...thaw);
    const { all } = (await printed('copies', 'thaw', incremental, '--from', 'archive')).facts;
    await releaseWhenAsked(all.objects);
    const report = await waiting;
    assert.equal(report.outcome, 'complete');
    assert.deepEqual(report.facts.readable, report.facts.all);
    const left = Date.parse(report.facts.until ?? '') - Date.now();
    assert.ok(left > 2 * 86_400_000 && left < 4 * 86_400_000, report.facts.until ?? '');
    assert.equal((await moto.asked()).length, all.objects);
    const again = await mosaic(...thaw);
    assert.match(again.stdout, /all of it can be read now: nothing is asked for/);
    assert.equal((await moto.asked()).length, all.objects, 'paid for once');

    const to = target();
    const restored = await mosaic('restore', incremental, '--from', 'archive', '--to', to);
    assert.equal(restored.code, 0, restored.stderr);
    await cold.assertRestored('stack', to);
    const verified = await mosaic('verify', '--destination', 'archive', '--deep');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const file = path.join(cold.site.repository, incremental.replace('daily', 'configs'), 'base.tar.zst.age');
    await writeFile(file, 'damaged');
    const args = ['copies', 'repair', incremental, '--to', 'repository', '--from', 'archive', '--yes'];
    assert.equal((await mosaic(...args)).code, 0);
    assert.equal((await mosaic('verify', incremental)).code, 0);
  });

  it('P48 thaws and restores on a machine that has nothing but the bucket and the recovery kit, killed in the middle of the wait', async () => {
    await moto.hold();
    // Killed between two looks: one that is killed in a look is noticed by its silence alone.
    const gone = await makeColdSite({ folder: await temporaryFolder(), moto, interval: '2s' });
    const kit = await mosaicHere(['-c', gone.file, 'keys', 'kit']);
    assert.equal(kit.code, 0, kit.stderr);
    const empty = await temporaryFolder();
    const recovery = await writeRecoveryConfig(kit.stdout, gone.site, empty);
    await rm(gone.site.repository, { recursive: true });
    await rm(gone.site.state, { recursive: true });
    const to = path.join(empty, 'restored');
    const [full, incremental] = gone.references('stack');
    const args = ['-c', recovery, 'restore', incremental, '--from', 'archive', '--thaw', 'bulk', '--to', to];
    const before = (await moto.asked()).length;
    const [ask = '', fetch = ''] = kit.stdout.match(/^.* rclone .*$/gm) ?? [];
    await byHand(ask, full, empty);
    assert.equal((await moto.asked()).length, before + 2, 'by the standard program of the kit');
    const first = startCommand({ args, owner: empty });
    await first.printed('0 of');
    first.kill('SIGKILL');
    await first.ended;
    const again = startCommand({ args, owner: empty });
    await again.printed('0 of');
    assert.ok(!existsSync(to));
    await moto.release();
    assert.equal((await again.ended).code, 0, again.output());
    await gone.assertRestored('stack', to);
    await byHand(fetch, full, empty);
    assert.ok(existsSync(path.join(empty, 'backup', 'base.tar.zst.age')));
    const objects = (await moto.asked()).slice(before).map(({ object }) => object);
    assert.equal(new Set(objects).size, objects.length, 'paid for once');
  });

  it('of a whole recovery point all that lies frozen everywhere is asked for at once and waited for; without --thaw the rest is restored', async () => {
    await moto.hold();
    const gone = await makeColdSite({ folder: await temporaryFolder(), moto, sources: ['stack', 'web'] });
    await signPoint(gone, ['stack', 'web']);
    const store = repositoryStore(gone.site.repository);
    // One of them can be read at another place.
    const web = (await listBackups(store)).filter(({ name }) => name.source === 'web');
    for (const { manifest } of web.toSorted((x, y) => (x.folder < y.folder ? -1 : 1)))
      await copyToDestination({ site: gone.site, backup: pinned(manifest), destination: 'vault', work: testWork() });
    await rm(gone.site.repository, { recursive: true });
    const to = path.join(gone.folder, 'restored');
    const args = ['-c', gone.file, 'restore', '--point', 'latest', '--to', to];
    const before = (await moto.asked()).length;
    const part = await mosaicHere(args);
    assert.equal(part.code, 3, part.stderr);
    assert.match(part.stdout, /web +restored .* vault/);
    assert.match(part.stdout, /stack: nothing to restore: it lies frozen at archive; the same command with --thaw/);
    assert.match((await mosaicHere([...args, '--dry-run'])).stdout, /stack +\S+ +archive \(frozen\)/);
    assert.equal((await moto.asked()).length, before, 'nothing was paid for');
    const thawing = startCommand({ args: [...args, '--thaw', 'bulk'], owner: gone.folder });
    await thawing.printed('0 of');
    await moto.release();
    assert.equal((await thawing.ended).code, 0, thawing.output());
    assert.match(thawing.output(), /web +was there already/);
    for (const source of ['stack', 'web']) await gone.assertRestored(source, path.join(to, source));
    const objects = (await moto.asked()).slice(before).map(({ object }) => object);
    assert.ok(objects.length > 0 && new Set(objects).size === objects.length, 'paid for once');
    assert.ok(
      objects.every((object) => object.includes('/stack/')),
      objects.join(),
    );
  });

  /** The recovery point of the newest backups, at every place. */
  async function signPoint({ site }: ColdSite, sources: readonly string[]): Promise<void> {
    const all = await listBackups(repositoryStore(site.repository));
    const scheduled = '2026-11-22T02:00:00Z';
    const spec = planRun(site, { site: site.config.site, plan: 'daily', scheduled, sources });
    const reports = sources.map((source): SourceReport => {
      const own = all.filter(({ name }) => name.source === source).toSorted((x, y) => (x.folder < y.folder ? 1 : -1));
      const [backup] = own;
      assert.ok(backup);
      const made = { backup: pinned(backup.manifest), kind: 'incremental', bytes: 1, plainBytes: 1 } as const;
      const captured = { ...made, milliseconds: 1, warnings: [], partial: false, existed: false };
      return { source, state: 'done', outcome: 'complete', captured, copies: [], verified: true, errors: [] };
    });
    const report = { runId: spec.runId, outcome: 'complete' as const, sources: reports, errors: [] };
    const { warnings } = await writeRecoveryPoint({ site, spec, report, work: testWork() });
    assert.deepEqual(warnings, []);
  }

  /** A line of the kit, as a stranger completes it. */
  async function byHand(line: string, reference: string, cwd: string): Promise<void> {
    const command = line.replaceAll('=…', '=testing').replace('FOLDER', reference.replace('daily', 'configs'));
    await promisify(execFile)('sh', ['-c', command], { cwd, env: { PATH: process.env['PATH'], HOME: cwd } });
  }

  async function releaseWhenAsked(objects: number): Promise<void> {
    await until('all of it is asked for', async () => (await moto.asked()).length >= objects);
    await moto.release();
  }
});
