import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { openRepository } from '../../../activities/storage/repository.ts';
import { writeRecoveryPoint } from '../../../activities/operations/recovery-point.ts';
import { planRun } from '../../../activities/operations/plan-run.ts';
import { newestChain } from '../../../activities/operations/newest-chain.ts';
import { sitePlacement } from '../../../activities/storage/placement.ts';
import { copyLogs } from '../../../activities/operations/copy-logs.ts';
import type { Site } from '../../../activities/site.ts';
import type { ShippedLogs } from '../../../model/run.ts';
import { capture, listed, ship, SOURCE, strangeLogs } from '../../activities/sources/postgres/backups.ts';
import { json, mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const FULL = 'daily/db/20261123T020000Z-full';
const status = z.looseObject({
  sources: z.array(
    z.looseObject({
      source: z.string(),
      newest: z.string().nullable(),
      logs: z
        .looseObject({
          restorableUntil: z.string().nullable(),
          lag: z.number().nullable(),
          places: z.array(z.looseObject({ place: z.string() })),
        })
        .nullable(),
    }),
  ),
  findings: z.array(z.looseObject({ code: z.string() })),
});

describe('backups of logs on the command line', () => {
  let server: TestPostgres;
  let made: TestSite;
  let site: Site;
  let last: ShippedLogs | null;

  before(async () => {
    const folder = await temporaryFolder();
    server = await startPostgres({ folder, settings: { max_slot_wal_keep_size: '1GB' } });
    made = await makeSite({
      folder,
      sources: {
        [SOURCE]: server.config('socket', { objectives: { rpo: '10m' } }),
        stack: { type: 'files', paths: [path.join(folder, 'keys')] },
      },
    });
    ({ site } = made);
    await ship(site, '2026-11-23T01:55:00Z');
  });

  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  it('`status` says that there is no point-in-time recovery before there is a full', async () => {
    const [db] = (await statusOf()).sources;
    assert.deepEqual(db?.logs, { restorableUntil: null, lag: null, place: null, base: null, places: [] });
    assert.match((await mosaicHere(['-c', made.file, 'status'])).stdout, /db +no point-in-time recovery yet/);
  });

  it('`status` shows the latest time to which a source can be restored now, and the lag', async () => {
    await capture(site, '2026-11-23T02:00:00Z');
    last = await ship(site, '2026-11-23T02:05:00Z');
    const { sources, findings } = await statusOf();
    const [db, stack] = sources;
    assert.equal(db?.newest, FULL);
    assert.equal(db.logs?.restorableUntil, last?.coversUntil);
    assert.ok(db.logs?.lag !== null && db.logs !== null && db.logs.lag < 60_000);
    assert.deepEqual(
      db.logs.places.map(({ place }) => place),
      ['repository'],
      'nothing was copied yet',
    );
    assert.equal(stack?.logs, null);
    assert.deepEqual(
      findings.filter(({ code }) => code === 'status.objective' || code === 'status.no-pitr'),
      [],
      'the lag counts against the objective, not the age of the full',
    );
    const { stdout } = await mosaicHere(['-c', made.file, 'status']);
    assert.match(stdout, /source +restorable until +lag +at +from/);
  });

  it('`list` shows logs only with --logs', async () => {
    const plain = json(await mosaicHere(['-c', made.file, '--json', 'list']));
    assert.deepEqual(
      plain.backups?.map(({ reference }) => reference),
      [FULL],
    );
    const all = json(await mosaicHere(['-c', made.file, '--json', 'list', '--logs']));
    assert.equal(all.backups?.length, 3);
    const { stdout } = await mosaicHere(['-c', made.file, 'list', '--logs']);
    assert.match(stdout, /logs\/db\/.* logs +until 20/);
  });

  it('`latest` is never of logs: neither to verify nor to restore', async () => {
    const verified = await mosaicHere(['-c', made.file, '--json', 'verify', 'latest', '--source', SOURCE]);
    assert.equal(verified.code, 0, verified.stderr);
    assert.deepEqual(
      json(verified).backups?.map(({ reference }) => reference),
      [FULL],
    );
    const to = path.join(await temporaryFolder(), 'restored');
    const restored = await mosaicHere([
      '-c',
      made.file,
      'restore',
      'latest',
      '--source',
      SOURCE,
      '--to',
      to,
      '--dry-run',
      '--accept-age',
    ]);
    assert.match(restored.stdout + restored.stderr, new RegExp(`would restore ${FULL}`));
  });

  it('no step of a daily run takes logs for the newest backup of its source', async () => {
    const { chain } = await newestChain(site, SOURCE);
    assert.deepEqual(
      chain.map(({ kind }) => kind),
      ['full'],
    );
    const spec = planRun(site, { site: 'test', plan: 'daily', scheduled: '2026-11-23T04:00:00Z', sources: [SOURCE] });
    const failed = { source: SOURCE, state: 'failed', outcome: 'failed', captured: null, copies: [] } as const;
    const report = {
      runId: spec.runId,
      outcome: 'failed',
      errors: [],
      sources: [{ ...failed, verified: false, errors: [] }],
    } as const;
    await writeRecoveryPoint({ site, spec, report, work: testWork() });
    const shown = await mosaicHere(['-c', made.file, 'show', spec.runId]);
    assert.match(shown.stdout, new RegExp(`${FULL} \\(an older one\\)`));
    const [db] = (await sitePlacement(site)).sources;
    assert.equal(db?.reference, FULL);
  });

  it('a whole copy is made of them, and the catalogue without them reads none', async () => {
    const copied = await copyLogs({ site, source: SOURCE, destination: 'vault', limit: 30_000, work: testWork() });
    assert.deepEqual([copied.backups, copied.owed, copied.errors], [2, 0, []]);
    const again = await copyLogs({ site, source: SOURCE, destination: 'vault', limit: 30_000, work: testWork() });
    assert.deepEqual([again.backups, again.bytes], [0, 0]);
    assert.equal((await listBackups(openDestination('vault', site))).length, 2);
    assert.deepEqual(await listBackups(openDestination('vault', site), { logs: false }), []);
    assert.equal((await listBackups(await openRepository(site), { logs: false })).length, 1);
  });

  it('days that are copied are compared again only after hours: what was removed meanwhile comes back then', async () => {
    await ship(site, '2026-11-24T00:00:00Z');
    const copy = (now = Date.now()) =>
      copyLogs({ site, source: SOURCE, destination: 'vault', limit: 30_000, now, work: testWork() });
    assert.equal((await copy()).backups, 1);
    const vault = path.join(path.dirname(site.repository), 'vault', 'logs', SOURCE);
    await rm(path.join(vault, '2026-11-23'), { recursive: true });
    await rm(path.join(vault, '2026-11-24'), { recursive: true });
    assert.equal((await copy()).backups, 1, 'the last day is always compared');
    assert.equal((await copy(Date.now() + 7 * 3_600_000)).backups, 2);
    assert.equal((await listBackups(openDestination('vault', site))).length, 3);
  });

  it('damaged logs show in `status`, and end what can be restored', async () => {
    const folder = path.join(site.repository, 'logs', SOURCE);
    const [newest] = (await listed(site))
      .filter(({ manifest }) => manifest.kind === 'logs')
      .toSorted((a, b) => b.manifest.finished.localeCompare(a.manifest.finished));
    assert.ok(newest && (await readdir(folder)).length > 0);
    await writeFile(path.join(site.repository, newest.folder, 'manifest.json'), '{}');
    const { findings, sources } = await statusOf();
    assert.ok(findings.some(({ code }) => code === 'status.logs-unreadable'));
    assert.equal(sources[0]?.logs?.restorableUntil, last?.coversUntil, 'the full is not at the vault');
    assert.equal((await mosaicHere(['-c', made.file, 'verify', 'latest', '--source', SOURCE])).code, 0);
  });

  it('damaged logs stop neither the shipping nor the copies of others, and are told of', async () => {
    const next = await ship(site, '2026-11-24T00:05:00Z');
    assert.ok(next, 'nothing was shipped');
    const vault = path.join(path.dirname(site.repository), 'vault');
    await rm(path.join(vault, 'logs'), { recursive: true });
    const copied = await copyLogs({ site, source: SOURCE, destination: 'vault', limit: 30_000, work: testWork() });
    assert.deepEqual([copied.backups, copied.owed], [3, 1]);
    assert.match(copied.errors[0]?.message ?? '', /logs\/db\/.* cannot be read/);
  });

  it('`restore --at` passes a full over that is known to be damaged, where an older one leads to the same moment', async () => {
    for (const day of ['25', '26']) {
      await capture(site, `2026-11-${day}T02:00:00Z`);
      await ship(site, `2026-11-${day}T02:05:00Z`);
    }
    const [older, newer] = ['25', '26'].map((day) => `daily/db/202611${day}T020000Z-full`);
    const at = async (): Promise<string> => {
      const args = ['restore', 'latest', '--source', SOURCE, '--at', 'end', '--to', '/nowhere/new', '--dry-run'];
      const { code, stderr } = await mosaicHere(['-c', made.file, ...args]);
      assert.equal(code, 0, stderr);
      return stderr;
    };
    const damage = async (reference: string): Promise<void> => {
      await writeFile(path.join(site.repository, reference, 'base.tar.zst.age'), 'damage');
      assert.equal((await mosaicHere(['-c', made.file, 'verify', reference])).code, 9);
    };
    assert.match(await at(), new RegExp(`from repository: ${newer}`));
    await damage(newer ?? '');
    const told = await at();
    assert.match(told, new RegExp(`newer, but not used: ${newer} is damaged`));
    assert.match(told, new RegExp(`from repository: ${older}, and 2 backups of logs`));
    for (const reference of [older ?? '', FULL]) await damage(reference);
    assert.match(await at(), new RegExp(`${newer} is damaged; no other backup leads there from this place`));
  });

  it('`restore --at` of a named backup goes by our own logs, whatever a stranger has put among them', async () => {
    await capture(site, '2026-11-27T02:00:00Z');
    for (const minute of ['05', '10']) {
      await server.sql('SELECT pg_switch_wal()');
      await ship(site, `2026-11-27T02:${minute}:00Z`);
    }
    const named = async (): Promise<string> => {
      const args = ['daily/db/20261127T020000Z-full', '--at', 'end', '--to', '/nowhere/new', '--dry-run'];
      const { code, stderr } = await mosaicHere(['-c', made.file, 'restore', ...args]);
      assert.equal(code, 0, stderr);
      return stderr;
    };
    assert.match(await named(), /and 2 backups of logs/);
    const first = (await listed(site)).find(({ manifest }) => manifest.scheduled === '2026-11-27T02:05:00Z');
    const reaches = async () => (await statusOf()).sources[0]?.logs?.restorableUntil;
    const until = await reaches();
    const { folder } = await strangeLogs(site, first ?? assert.fail());
    assert.match(await named(), /and 2 backups of logs/);
    // What nobody signed keeps no alert of an objective from being raised.
    assert.equal(await reaches(), until);
    await rm(folder, { recursive: true });
  });

  it('`doctor` names a slot of our kind that no source has, with the statement that drops it', async () => {
    const slot = 'mosaic_logs_old_01234567';
    await server.sql(`SELECT pg_create_physical_replication_slot('${slot}', true)`);
    const { code, stdout } = await mosaicHere(['-c', made.file, '--json', 'doctor']);
    await server.sql(`SELECT pg_drop_replication_slot('${slot}')`);
    assert.equal(code, 10);
    assert.match(stdout, /"postgres\.slot-orphan"/);
    assert.match(stdout, new RegExp(`pg_drop_replication_slot\\('${slot}'\\)`));
  });

  async function statusOf(): Promise<z.infer<typeof status>> {
    const ended = await mosaicHere(['-c', made.file, '--json', 'status']);
    assert.equal(ended.code, 0, ended.stderr);
    return status.parse(JSON.parse(ended.stdout));
  }
});
