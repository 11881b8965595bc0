import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { bounded } from '../../../activities/operations/bounded.ts';
import { copyLogs, newestRunFirst } from '../../../activities/operations/copy-logs.ts';
import { askForFull, noteFullDue, withFullDue } from '../../../activities/operations/full-due.ts';
import { planLogs } from '../../../activities/operations/plan-logs.ts';
import { tickSource } from '../../../activities/operations/tick-source.ts';
import { thisHolder } from '../../../activities/storage/holder.ts';
import { encodeManifest } from '../../../activities/storage/manifest-file.ts';
import { prepareRepository, repositoryStore } from '../../../activities/storage/repository.ts';
import type { Site } from '../../../activities/site.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { writeBackup } from '../../support/backups.ts';
import { logsBackup } from '../../support/entries.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { startRedis } from '../../support/redis.ts';
import { testWork } from '../../support/work.ts';

const SCHEDULED = '2026-11-24T02:00:00Z';

describe('work within a limit', () => {
  const options = { what: 'this', limit: 100 };

  it('ends with what it gives, or with its own failure', async () => {
    assert.equal(await bounded({ ...options, work: testWork() }, async () => 1), 1);
    await assert.rejects(
      bounded({ ...options, work: testWork() }, () => Promise.reject(new Error('mine'))),
      /mine/,
    );
  });

  it('is cancelled at the limit, and says so', async () => {
    const error = await isBackupError(
      bounded({ ...options, work: testWork() }, (work) => pause(60_000, undefined, { signal: work.signal })),
      'standstill',
    );
    assert.match(error.message, /this did not end within 0\.1s/);
  });

  it('is left behind where it does not even listen to that', async () => {
    const stuck = Promise.withResolvers<void>();
    await isBackupError(
      bounded({ ...options, work: testWork() }, () => stuck.promise),
      'standstill',
    );
    stuck.resolve();
  });

  it('is cancelled by its caller as ever', async () => {
    const work = testWork();
    const running = bounded({ what: 'this', limit: 60_000, work }, (inner) =>
      pause(60_000, undefined, { signal: inner.signal }),
    );
    work.abort();
    await assert.rejects(running, { name: 'AbortError' });
  });
});

describe('one tick for one source', () => {
  let silent: Server;
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
    // Takes connections, and never says a word.
    silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  afterEach(() => silent.close());
  after(cleanUp);

  async function siteWith(options: Partial<SiteInput> = {}): Promise<Site> {
    const address = silent.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const connection = { host: '127.0.0.1', port: address.port, sslmode: 'disable' as const };
    const sources = { postgres: { type: 'postgres' as const, connection, logs: { deadline: '2s' } } };
    return (await makeSite({ folder, sources, ...options })).site;
  }

  /** Two backups of logs in the repository. */
  async function shipped(site: Site): Promise<void> {
    await prepareRepository(site);
    for (const logs of [
      logsBackup({ from: 2, to: 3, at: '2026-11-24T01:00:00Z' }),
      logsBackup({ from: 3, to: 4, at: '2026-11-24T01:05:00Z' }),
    ]) {
      const store = repositoryStore(site.repository);
      await store.putSmall(`${logs.folder}/manifest.json`, encodeManifest(logs.manifest), { replace: false });
    }
  }

  it('a server that hangs is given up at the deadline, and the copies are looked after all the same', async () => {
    const site = await siteWith();
    const spec = planLogs(site, { site: 'test', plan: 'logs', scheduled: SCHEDULED });
    const [step] = spec.steps;
    assert.equal(step?.deadline, 2000, 'parsed to milliseconds');
    const began = Date.now();
    const { runId, scheduled, waits } = spec;
    const tick = await tickSource({ site, runId, scheduled, step, waits, attempt: 1, work: testWork() });
    assert.ok(Date.now() - began < 10_000, `${Date.now() - began} ms`);
    assert.equal(tick.facts.shipped, false);
    assert.deepEqual(
      tick.errors.map(({ step }) => step),
      ['ship'],
    );
    assert.match(tick.errors[0]?.message ?? '', /did not end within|does not answer|timeout/);
    assert.ok(tick.errors[0]?.remedy);
    assert.ok(tick.facts.space.every(({ free }) => free > 0));
  });

  it('looks at the disk of a server beside it that ships no logs; one that gives no answer fails nothing', async () => {
    const own = path.join(folder, 'redis');
    await mkdir(own);
    await chmod(folder, 0o755);
    const redis = await startRedis({ folder: own });
    try {
      const { postgres } = (await siteWith()).config.sources;
      assert.ok(postgres?.type === 'postgres');
      const down = { type: 'redis' as const, connection: { socket: path.join(folder, 'none.sock') } };
      const logs = { deadline: '2s' };
      const { host, port } = postgres.connection;
      const sources: SiteInput['sources'] = {
        postgres: { type: 'postgres', connection: { host, port, sslmode: 'disable' }, logs },
        cache: redis.config('stream', { folder: redis.data }),
        down,
        unseen: redis.config('stream'),
      };
      const { site } = await makeSite({ folder, sources });
      const spec = planLogs(site, { site: 'test', plan: 'logs', scheduled: SCHEDULED });
      const [step] = spec.steps;
      assert.ok(step);
      const { runId, scheduled, waits } = spec;
      const { facts } = await tickSource({ site, runId, scheduled, step, waits, attempt: 1, work: testWork() });
      const [cache, ...more] = facts.beside ?? [];
      assert.deepEqual([cache?.source, cache?.space.map((each) => each.path), more], ['cache', [redis.data], []]);
      assert.ok(cache?.space.every(({ free }) => free > 0));
    } finally {
      await redis.stop();
    }
  });

  it('what is wrong with one backup of logs keeps no other from its copy, and is owed', async () => {
    const site = await siteWith();
    await shipped(site);
    // Their signer is nobody whom the site trusts, and the artifacts are not there.
    const copied = await copyLogs({ site, source: 'postgres', destination: 'vault', limit: 5000, work: testWork() });
    assert.equal(copied.owed, 2);
    assert.deepEqual(
      copied.errors.map(({ code }) => code),
      ['not-authentic', 'not-authentic'],
    );
  });

  it('a destination without a config is told as what it is', async () => {
    const site = await siteWith();
    await isBackupError(
      copyLogs({ site, source: 'postgres', destination: 'nowhere', limit: 5000, work: testWork() }),
      'not-found',
    );
  });

  /** Whether a tick is to start something for the full that is due; null where none is due. */
  async function asked(site: Site, runId: string): Promise<string | null> {
    const due = await askForFull({ site, source: 'postgres', runId, work: testWork() });
    return due && (due.ask ? `${due.reason}: ${due.sealed?.id ?? 'make one'}` : 'later');
  }

  it('a full that is due is asked for by one tick, again by the same, and by another only an hour later', async () => {
    const site = await siteWith();
    assert.equal(await asked(site, 'one'), null);
    await noteFullDue({ site, source: 'postgres' }, '2026-11-24T01:00:00Z', 'a hole');
    assert.equal(await asked(site, 'one'), 'a hole: make one');
    assert.equal(await asked(site, 'one'), 'a hole: make one', 'its first attempt may have died');
    assert.equal(await asked(site, 'two'), 'later');
    await writeBackup(site.repository, { scheduled: '2026-11-24T00:30:00Z' });
    assert.equal(await asked(site, 'one'), 'a hole: make one', 'that full began before the hole');
    const { folder: damaged } = await writeBackup(site.repository, { scheduled: '2026-11-24T01:10:00Z' });
    await writeFile(path.join(site.repository, damaged, 'manifest.json'), '{');
    assert.equal(await asked(site, 'one'), 'a hole: make one', 'what cannot be read is no full, and keeps none away');
  });

  it('a full that is made counts once every destination that takes it holds it', async () => {
    const archive = { type: 'directory' as const, path: path.join(folder, 'archive'), tiers: ['monthly' as const] };
    const vault = { type: 'directory' as const, path: path.join(folder, 'vault') };
    const site = await siteWith({ destinations: { vault, archive } });
    await noteFullDue({ site, source: 'postgres' }, '2026-11-24T01:00:00Z', 'a hole');
    assert.equal(await asked(site, 'one'), 'a hole: make one');
    const full = { scheduled: '2026-11-24T01:30:00Z' };
    const { manifest } = await writeBackup(site.repository, full);
    assert.equal(await asked(site, 'two'), 'a hole: 20261124T013000Z-full', 'it is asked for something else now');
    assert.equal(await asked(site, 'three'), 'later');
    // A later backup that is there stands for it; another of its name does not.
    await writeBackup(vault.path, { ...full, fields: { host: 'elsewhere' } });
    assert.equal(await asked(site, 'two'), 'a hole: 20261124T013000Z-full');
    const later = { scheduled: '2026-11-24T02:00:00Z', parent: manifest };
    await writeBackup(site.repository, later);
    await writeBackup(vault.path, later);
    assert.equal(await asked(site, 'four'), null);
    assert.deepEqual(await readdir(path.join(site.state, 'sources', 'postgres')), []);
  });

  it('nobody is asked while the process that makes it lives, and at once when it has died', async () => {
    const site = await siteWith();
    const of = { site, source: 'postgres' };
    await noteFullDue(of, '2026-11-24T01:00:00Z', 'a hole');
    await withFullDue(of, async () => assert.equal(await asked(site, 'one'), 'later'));
    assert.equal(await asked(site, 'two'), 'a hole: make one');
    const file = path.join(site.state, 'sources', 'postgres', 'full-due.json');
    const gone = { ...thisHolder(), start: '1' };
    await writeFile(file, JSON.stringify({ since: '2026-11-24T01:00:00Z', reason: 'a hole', asked: null, by: gone }));
    assert.equal(await asked(site, 'three'), 'a hole: make one');
  });
});

describe('the order of copies', () => {
  it('is the newest run first, each in the order of its positions', () => {
    const one = logsBackup({ from: 1, to: 2, at: '2026-11-24T01:00:00Z' });
    const two = logsBackup({ from: 2, to: 3, at: '2026-11-24T01:05:00Z' });
    const three = logsBackup({ from: 7, to: 8, at: '2026-11-24T01:10:00Z', gap: 'a hole' });
    const four = logsBackup({ from: 8, to: 9, at: '2026-11-24T01:15:00Z' });
    assert.deepEqual(newestRunFirst([four, two, one, three]), [three, four, one, two]);
  });
});
