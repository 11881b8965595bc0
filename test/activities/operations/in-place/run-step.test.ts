import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { planInPlace, restoreInPlace, undoInPlace } from '../../../../activities/operations/in-place/index.ts';
import { lastRestored } from '../../../../activities/operations/in-place/record.ts';
import { inPlaceStep } from '../../../../activities/operations/in-place/run-step.ts';
import { seeTarget } from '../../../../activities/operations/restore-seen.ts';
import type { Site } from '../../../../activities/site.ts';
import { pinned } from '../../../../activities/storage/catalogue.ts';
import { acquireLease } from '../../../../activities/storage/lease.ts';
import { inPlaceFindings } from '../../../../client/backups/in-place.ts';
import { sourceConfig } from '../../../../model/config/source.ts';
import type { ErrorCode } from '../../../../model/errors.ts';
import { besideData, type InPlaceStepInput } from '../../../../model/in-place-run.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../../../support/managed-postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, ship, SOURCE } from '../../sources/postgres/backups.ts';
import { requestOf } from './requests.ts';

/** Attempts of a worker, one after the other, and what happens in between. */
describe('the step of a restore in place', function () {
  this.timeout(180_000);
  let folder: string;
  let server: ManagedPostgres;
  let site: Site;
  let runs = 0;

  before(async () => {
    folder = await temporaryFolder();
    server = await startManaged({ folder });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await server.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await ship(site, '2026-11-23T01:55:00Z');
    await capture(site, '2026-11-23T02:00:00Z');
  });
  beforeEach(() => server.sql('INSERT INTO t VALUES (2) ON CONFLICT DO NOTHING'));
  afterEach(async () => {
    const left = (await readdir(folder)).filter((name) => /data\./.test(name));
    for (const name of left) await rm(path.join(folder, name), { recursive: true });
  });
  after(async () => {
    await server?.end();
    await cleanUp();
  });

  async function asked(): Promise<InPlaceStepInput> {
    const backup = (await listed(site)).find(({ manifest }) => manifest.kind !== 'logs');
    assert.ok(backup);
    const waits = { deadline: 60_000, retryFirst: 100, retryMax: 1000, heartbeat: 2000, standstill: 30_000 };
    return {
      site: 'test',
      host: site.host,
      source: SOURCE,
      backup: pinned(backup.manifest),
      place: null,
      target: null,
      data: server.data,
      acceptUnsaved: false,
      last: await lastRestored({ site, source: SOURCE }),
      seen: await seeTarget(site, besideData(server.data)),
      waits,
      run: `run-${runs++}`,
      asked: wholeSeconds(Date.now()),
    };
  }

  function attempt(input: InPlaceStepInput, { of = site, work = testWork() } = {}) {
    return inPlaceStep({ site: of, input, work, withSchedules: (_of, use) => use(null) });
  }

  function siteWith(inPlace: Partial<ManagedPostgres['inPlace']>): Site {
    const config = sourceConfig.parse({ ...server.config(), inPlace: { ...server.inPlace, ...inPlace } });
    return { ...site, config: { ...site.config, sources: { [SOURCE]: config } } };
  }

  async function isToldAs(failing: Promise<unknown>, code: ErrorCode, words: RegExp): Promise<void> {
    assert.match((await isBackupError(failing, code)).message, words);
  }

  async function holds(ids: readonly number[]): Promise<void> {
    assert.deepEqual(
      await server.sql('SELECT id FROM t ORDER BY id'),
      ids.map((id) => ({ id })),
    );
    assert.ok((await inPlaceFindings(site)).every(({ code }) => code !== 'in-place.unfinished'));
  }

  /** Half done: the server is stopped, and nothing starts it. */
  async function halfDone(input: InPlaceStepInput): Promise<void> {
    await isBackupError(attempt(input, { of: siteWith({ start: ['false'], settle: '1s' }) }), 'program-failed');
    const [finding] = await inPlaceFindings(site);
    assert.equal(finding?.code, 'in-place.unfinished');
  }

  const journal = z.looseObject({ ready: z.string(), failed: z.string() });

  function journalFile(): string {
    return path.join(site.state, 'sources', SOURCE, 'in-place.json');
  }

  /** As after a kill, before the way back was begun: it goes forward. */
  async function forwardAgain(): Promise<void> {
    const { ready, failed, ...others } = journal.parse(JSON.parse(await readFile(journalFile(), 'utf8')));
    await rename(failed, ready);
    await writeFile(journalFile(), JSON.stringify({ ...others, ready, failed, step: 'stopping', back: null }));
  }

  /** As after a kill before what was restored has its name: the server runs on. @param more of a kill on the way back from there. */
  async function neverReady(input: InPlaceStepInput, more: Record<string, unknown> = {}): Promise<void> {
    await halfDone(input);
    const left = journal.parse(JSON.parse(await readFile(journalFile(), 'utf8')));
    await undoInPlace(await requestOf(site, {}));
    const record = path.join(path.dirname(journalFile()), 'restored-in-place.json');
    await writeFile(record, JSON.stringify({ ...JSON.parse(await readFile(record, 'utf8')), back: null }));
    await rm(left.failed, { recursive: true });
    await writeFile(journalFile(), JSON.stringify({ ...left, step: 'pausing', back: null, ...more }));
  }

  it('goes on after a restart of the machine, by which a boot and the devices have other ids', async () => {
    const input = await asked();
    await halfDone(input);
    const seen = { ...input.seen, boot: 'another', inode: '1:1' };
    await isToldAs(attempt({ ...input, seen }), 'failed', /was taken back/);
    await holds([1, 2]);
  });

  it('tells that what was done before a restart of the machine is done', async () => {
    const input = await asked();
    await attempt(input);
    const done = await attempt({ ...input, seen: { ...input.seen, boot: 'another' } });
    assert.ok('before' in done && done.before !== null);
    await holds([1]);
  });

  it('half done it does not say that nothing was, where another worker takes it', async () => {
    const input = await asked();
    await halfDone(input);
    process.env['INVOCATION_ID'] = '0123456789abcdef0123456789abcdef';
    try {
      await isToldAs(attempt(input), 'refused', /was begun, and cannot be gone on with here.*unit of systemd/);
    } finally {
      delete process.env['INVOCATION_ID'];
    }
    await undoInPlace(await requestOf(site, {}));
    await holds([1, 2]);
  });

  it('restores over nothing that another restore in place has put there meanwhile', async () => {
    const input = await asked();
    const request = await requestOf(site, {});
    await restoreInPlace(request, await planInPlace(request));
    await server.sql('INSERT INTO t VALUES (3)');
    await isToldAs(attempt(input), 'conflict', /was restored in place at .*, after this one was asked for/);
    await holds([1, 3]);
    await server.sql('DELETE FROM t WHERE id = 3');
  });

  it('is not begun again by itself long after it was asked for, and goes on with what was begun all the same', async () => {
    const input = { ...(await asked()), asked: wholeSeconds(Date.now() - 2 * 3_600_000) };
    await isToldAs(attempt(input), 'refused', /was asked for at .*, and cut off\. Nothing was changed/);
    await holds([1, 2]);
    await halfDone({ ...input, asked: wholeSeconds(Date.now()) });
    await isToldAs(attempt(input), 'failed', /was taken back/);
    await holds([1, 2]);
  });

  it('replaces no other data than those that were said yes to', async () => {
    const other = path.join(folder, 'other');
    await mkdir(other, { mode: 0o700 });
    const input = { ...(await asked()), data: other };
    await isToldAs(attempt(input), 'refused', /were in .*other when this was asked for, and are in .*data now/);
    await holds([1, 2]);
  });

  it('cancelled while a backup of the source is waited for it leaves nothing begun', async () => {
    const of = { state: site.state, step: 'capture', attempt: 1, wait: 0, signal: testWork().signal };
    const lease = await acquireLease({ ...of, name: SOURCE });
    const controller = new AbortController();
    const work = { ...testWork(), signal: controller.signal };
    const going = attempt(await asked(), { work });
    going.catch(() => undefined);
    while ((await inPlaceFindings(site)).every(({ code }) => code !== 'in-place.unfinished'))
      await once(AbortSignal.timeout(50), 'abort');
    await once(AbortSignal.timeout(500), 'abort');
    controller.abort();
    await isBackupError(going, 'aborted');
    await lease.release();
    await holds([1, 2]);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => /data\./.test(name)),
      [],
    );
  });

  it('begins again where its worker was killed before what was restored had its place, and twice', async () => {
    const input = await asked();
    await neverReady(input);
    await attempt(input);
    await holds([1]);
    await server.sql('INSERT INTO t VALUES (2)');
    const next = await asked();
    await neverReady(next, { back: 'its worker was ended', again: true });
    await attempt(next);
    await holds([1]);
  });

  it('and does not where an operator has taken that back in the middle of it', async () => {
    const input = await asked();
    await neverReady(input, { back: 'its worker was ended', again: true });
    await undoInPlace(await requestOf(site, {}));
    await isToldAs(attempt(input), 'failed', /was taken back: the operator wished so/);
    await holds([1, 2]);
  });

  it('ended twice, the second time while it goes on with what was begun, it begins again with the next worker', async () => {
    const input = await asked();
    await halfDone(input);
    await forwardAgain();
    const controller = new AbortController();
    const work = { ...testWork(), signal: controller.signal, progress: () => controller.abort() };
    await assert.rejects(attempt(input, { work }));
    await holds([1, 2]);
    await attempt(input);
    await holds([1]);
  });
});
