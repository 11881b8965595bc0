/** Restore tests in a container of the image that the backup came from, with this machine's own programs hidden. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { proveTest } from '../../../../activities/operations/proof/prove.ts';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import type { Site } from '../../../../activities/site.ts';
import { holderTag, thisHolder } from '../../../../activities/storage/holder.ts';
import { pinned } from '../../../../activities/storage/catalogue.ts';
import { damageFile } from '../../../support/damage.ts';
import { SHELL, startDocker, type TestDocker } from '../../../support/docker.ts';
import { ofClient } from '../../../../client/cli/of-client.ts';
import { startWorker } from '../../../../workers/worker.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgresContainer, type PostgresContainer } from '../../../support/postgres-container.ts';
import { startRedis, type TestRedis } from '../../../support/redis.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { atPoint, startCommand } from '../../../support/worker-process.ts';
import { capture, listed, ship, SOURCE } from '../../sources/postgres/backups.ts';

const LABEL = 'mosaic-backup.sandbox';

const inspected = z.looseObject({
  Image: z.string(),
  Config: z.looseObject({ Labels: z.record(z.string(), z.string()) }),
  HostConfig: z.looseObject({
    NetworkMode: z.string(),
    Memory: z.number(),
    MemorySwap: z.number(),
    NanoCpus: z.number(),
    ReadonlyRootfs: z.boolean(),
    CapDrop: z.array(z.string()),
    SecurityOpt: z.array(z.string()),
  }),
});

interface Proving {
  readonly at?: Site;
  /** Of the backup; the full of PostgreSQL when absent. */
  readonly manifest?: Manifest | undefined;
  readonly onRestored?: (restored: string) => Promise<void>;
  readonly time?: string | null;
}

describe('restore tests in a container', function () {
  this.timeout(300_000);
  let folder: string;
  let docker: TestDocker;
  let server: PostgresContainer;
  let redis: TestRedis;
  /** With its digest. */
  let redisImage: string;
  let test: TestSite;
  let site: Site;
  const { PATH: own, TMPDIR: temporary } = process.env;

  before(async () => {
    folder = await temporaryFolder({ onDisk: true });
    docker = await startDocker();
    // Programs of the image lie where they lie here, and a sandbox has a /tmp of its own.
    process.env['TMPDIR'] = '/var/tmp';
    server = await startPostgresContainer({ docker, major: 18, settings: { summarize_wal: 'on' } });
    const programs = ['redis-server', 'redis-check-rdb', 'redis-check-aof'].map((name) => `/usr/bin/${name}`);
    await docker.image('mosaic-test-redis:7', {
      programs: [...SHELL, ...programs],
      settings: ['ENV PATH=/usr/bin:/bin'],
    });
    redisImage = `mosaic-test-redis:7@${await imageId('mosaic-test-redis:7')}`;
    const cache = path.join(folder, 'cache');
    await mkdir(cache);
    redis = await startRedis({ folder: cache, settings: { appendonly: 'yes' } });
    const restoreTest = {
      sandboxSocket: docker.socket,
      sandboxMemory: '300MiB',
      sandboxCpus: 0.5,
      sandboxImages: { cache: redisImage },
    };
    test = await makeSite({
      folder,
      sources: { [SOURCE]: server.config(), cache: redis.config() },
      plans: { restoreTest },
    });
    ({ site } = test);
    const scheduled = scheduledTimes();
    await server.sql('CREATE TABLE t (id int PRIMARY KEY, name text)');
    await ship(site, scheduled());
    await capture(site, scheduled());
    await server.sql("INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 1000) AS i");
    await capture(site, scheduled());
    await server.sql('INSERT INTO t VALUES (1001); SELECT pg_switch_wal()');
    await ship(site, scheduled());
    // From here on this machine has no programs of that version.
    process.env['PATH'] = own;
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
  });
  after(async () => {
    process.env['PATH'] = own;
    await redis?.stop();
    await docker?.stop();
    await cleanUp();
  });
  afterEach('nothing is left', async () => {
    assert.deepEqual(await sandboxes(), []);
    const within = path.join(folder, 'proof');
    if (existsSync(within)) assert.deepEqual(await readdir(within), []);
  });

  async function imageId(name: string): Promise<string> {
    return (await docker.docker('image', 'inspect', '--format={{.Id}}', name)).trim();
  }

  /** Ids. */
  async function sandboxes(): Promise<readonly string[]> {
    const ids = await docker.docker('ps', '--all', '--quiet', '--no-trunc', `--filter=label=${LABEL}`);
    return ids.split('\n').filter((id) => id !== '');
  }

  async function proven({ at = site, manifest, onRestored, time = null }: Proving = {}) {
    const all = (await listed(site)).map(({ manifest }) => manifest);
    const backup = manifest ?? all.find(({ kind, source }) => kind === 'full' && source === SOURCE);
    assert.ok(backup);
    const choice = {
      backup: pinned(backup),
      place: null,
      way: 'newest',
      at: time,
      contents: null,
      passed: [],
    } as const;
    return proveTest({
      site: at,
      source: backup.source,
      choice,
      within: path.join(folder, 'proof'),
      ...(onRestored && { onRestored }),
      work: testWork(),
    });
  }

  function withPlan(plan: Partial<Site['config']['plans']['restoreTest']>): Site {
    const { plans } = site.config;
    return { ...site, config: { ...site.config, plans: { ...plans, restoreTest: { ...plans.restoreTest, ...plan } } } };
  }

  it('a chain is combined, compared and recovered in one of its own image: no network, no rights, within its limits', async () => {
    const manifests = (await listed(site)).map((each) => each.manifest);
    const covered = manifests.map(({ coversUntil }) => coversUntil).findLast((time) => time !== null);
    const manifest = manifests.find(({ kind }) => kind === 'incremental');
    assert.ok(covered && manifest);
    let seen: z.infer<typeof inspected> | undefined;
    let interfaces = '';
    let rights = '';
    const { compared, notCompared } = await proven({
      manifest,
      time: covered,
      onRestored: async () => {
        const [id = '', ...more] = await sandboxes();
        assert.deepEqual(more, []);
        seen = z.tuple([inspected]).parse(JSON.parse(await docker.docker('inspect', id)))[0];
        interfaces = await docker.docker('exec', '--user=65534', id, 'cat', '/proc/net/dev');
        rights = await docker.docker('exec', id, 'grep', '-E', '^(CapEff|CapBnd|NoNewPrivs)', '/proc/self/status');
      },
    });
    assert.ok(
      ['start', 'relations', 'dump', 'point in time'].every((name) => compared.includes(name)),
      notCompared.join(),
    );
    assert.ok(seen);
    assert.equal(seen.Image, await imageId(server.image));
    assert.deepEqual(
      interfaces.split('\n').flatMap((line) => /^ *([^ |]+):/.exec(line)?.[1] ?? []),
      ['lo'],
    );
    assert.match(rights, /CapEff:\s+0+\nCapBnd:\s+0+\nNoNewPrivs:\s+1/);
    const { NetworkMode, Memory, MemorySwap, NanoCpus, ReadonlyRootfs, CapDrop } = seen.HostConfig;
    assert.deepEqual(
      { NetworkMode, Memory, MemorySwap, NanoCpus, ReadonlyRootfs, CapDrop },
      {
        NetworkMode: 'none',
        Memory: 300 * 1024 ** 2,
        MemorySwap: 300 * 1024 ** 2,
        NanoCpus: 0.5e9,
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
      },
    );
  });

  it('Redis in one of the image that the config names: its append-only files are read there, and loaded there', async () => {
    await redis.run('SET', 'greeting', 'hello');
    const scheduled = '2026-11-24T02:00:00Z';
    const run = {
      source: 'cache',
      tier: 'daily',
      runId: `run-${scheduled}`,
      scheduled,
      attempt: 1,
      busy: 1000,
    } as const;
    await captureBackup({ site, ...run, work: testWork() });
    const manifest = (await listed(site)).map((each) => each.manifest).find(({ source }) => source === 'cache');
    assert.ok(manifest);
    const at = withPlan({ sandbox: 'container' });
    let running: readonly string[] = [];
    const images = async () => {
      running = (await docker.docker('ps', `--filter=label=${LABEL}`, '--format={{.Image}}', '--no-trunc')).split('\n');
    };
    const { compared, notCompared } = await proven({ at, manifest, onRestored: images });
    assert.deepEqual(
      running.filter((each) => each !== ''),
      [await imageId('mosaic-test-redis:7')],
    );
    assert.ok(
      ['files', 'start', 'databases'].every((name) => compared.includes(name)),
      notCompared.join(),
    );
    assert.match(notCompared.join(), /contents: recorded for later proofs: values by database and type, 6 in all/);

    const file = (restored: string) => path.join(restored, 'appendonlydir', 'appendonly.aof.1.base.rdb');
    const damaged = async (restored: string) => damageFile(file(restored));
    const { message } = await isBackupError(proven({ at, manifest, onRestored: damaged }), 'verification-failed');
    assert.match(message, /files: .* is not whole/);
  });

  it('flaw: a table file missing is found there too', async () => {
    const relation = await server.sql("SELECT pg_relation_filepath('t') AS file");
    const damage = (restored: string) => rm(path.join(restored, String(relation[0]?.['file'])));
    const { message } = await isBackupError(proven({ onRestored: damage }), 'verification-failed');
    assert.match(message, /relations|dump|start/);
  });

  it('too little memory is no verdict on the backup', async () => {
    const { compared, notCompared } = await proven({ at: withPlan({ sandboxMemory: 12 * 1024 ** 2 }) });
    assert.deepEqual(compared, []);
    assert.match(notCompared.join(), /sandboxMemory/);
  });

  it('nor is a container that Docker ends in the middle: it is tried again', async () => {
    const onRestored = async () => void (await docker.docker('kill', ...(await sandboxes())));
    const { retryable } = await isBackupError(proven({ onRestored }), 'unreachable');
    assert.ok(retryable);
  });

  it('killed in the middle: the container ends with its process', async () => {
    const point = { at: 'activities/sources/postgres/compare.ts#compareWithInventory', signal: 'SIGSTOP' } as const;
    const reached = path.join(folder, 'reached');
    const args = ['-c', test.file, 'verify', 'latest', '--source', SOURCE, '--deep'];
    const command = startCommand({ args, owner: folder, point, reached });
    await atPoint(command, point, reached);
    assert.equal((await sandboxes()).length, 1);
    command.kill('SIGKILL');
    await command.ended;
    // Nobody has to look for it.
    await until('the container is gone', async () => (await sandboxes()).length === 0);
  });

  it('what a process left before it held its container is removed by the next start of the worker; what lives is not', async () => {
    const owner = `${site.config.site}/${site.host}`;
    const dead = holderTag({ ...thisHolder(), start: '1' });
    const make = async (label: string) =>
      (await docker.docker('create', `--label=${LABEL}=${label}`, server.image, 'true')).trim();
    await make(`${owner}/${dead}`);
    const others = [await make(`${owner}/${holderTag(thisHolder())}`), await make(`elsewhere/host/${dead}`)];
    // It looks before it goes to Temporal, which is not there.
    const settings = {
      connection: { address: '127.0.0.1:9' },
      namespace: 'default',
      openSite: async () => site,
      ...ofClient,
    };
    await isBackupError(startWorker({ ...settings, log: testWork().log }), 'unreachable');
    const kept = await sandboxes();
    await docker.docker('rm', ...others);
    assert.deepEqual(kept.toSorted(), others.toSorted());
  });

  it('text that was sorted by another C library asks for one too, but has to do without where there is none', async () => {
    const manifest = (await listed(site)).map((each) => each.manifest).find(({ source }) => source === SOURCE);
    assert.ok(manifest);
    const sorted = (libc: string) =>
      postgres.sandboxing?.unfit({ ...manifest, engine: { ...manifest.engine, version: '15.1', libc } });
    assert.deepEqual([await sorted('glibc 2.36'), (await sorted('musl'))?.usable], [null, true]);
    assert.equal((await postgres.sandboxing?.unfit(manifest))?.usable, false);
  });

  it('without Docker, or without the image, nothing is compared, and what to do is said', async () => {
    const nowhere = await proven({ at: withPlan({ sandboxSocket: path.join(folder, 'no.sock') }) });
    assert.deepEqual(nowhere.compared, []);
    assert.match(
      nowhere.notCompared.join(),
      /PostgreSQL 18 are not on this machine.*Docker does not answer at .*systemctl start docker/,
    );
    const processes = await proven({ at: withPlan({ sandbox: 'process' }) });
    assert.match(processes.notCompared.join(), /not on this machine.*apt-get install postgresql/);
    await docker.docker('rm', '--force', '--volumes', server.name);
    await docker.docker('rmi', server.image);
    const gone = await proven();
    assert.deepEqual(gone.compared, []);
    assert.match(
      gone.notCompared.join(),
      /mosaic-test-mosaic-postgres:18@sha256:[0-9a-f]{64} is not on this machine.*docker pull mosaic-test/,
    );
  });
});
