import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { loadSite } from '../../../../activities/config/load.ts';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { copyToDestination } from '../../../../activities/operations/copy-to.ts';
import { deliverSmall } from '../../../../activities/operations/deliver-small.ts';
import { documentsFolder, writeDocuments } from '../../../../activities/operations/drill/documents.ts';
import { recordDrill } from '../../../../activities/operations/drill/record.ts';
import type { SiteInput } from '../../../../model/config/site.ts';
import { canonical } from '../../../../model/manifest.ts';
import { recoveryPointKey } from '../../../../model/paths.ts';
import { RECOVERY_POINT_SCHEMA } from '../../../../model/recovery-point.ts';
import { drilledSource, drillReport } from '../../../support/drills.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startRedis, type TestRedis } from '../../../support/redis.ts';
import { followRunbook } from '../../../support/runbook.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { credentialFiles, startGateway, stopGateways } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { makeBucket } from '../../storage/s3/place.ts';

const [THEN, LATER] = ['2026-11-23T02:00:00Z', '2026-11-24T02:00:00Z'] as const;
const OWN = 'mosaic-backup-local';

describe('a runbook whose commands are run from top to bottom by sh', function () {
  this.timeout(60_000);
  let folder: string;
  /** A page of the wiki, at its own place. */
  let home: string;
  let server: TestRedis;
  /** Of the server that the runbook starts. */
  let socket: string;
  let made: TestSite;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    await execa('redis-cli', ['-s', socket, 'shutdown', 'nosave'], { reject: false });
    await server.stop();
    await stopGateways();
    await cleanUp();
  });

  /** A site with a wiki and a Redis, backed up as they were then; since, something went wrong with both. */
  async function make(destinations: SiteInput['destinations'] = {}): Promise<void> {
    const data = path.join(folder, 'srv', "the wiki's data");
    home = path.join(data, 'pages', 'home');
    await mkdir(path.dirname(home), { recursive: true });
    await writeFile(home, 'what was there then\n', { mode: 0o640 });
    const redis = await temporaryFolder();
    server = await startRedis({ folder: redis });
    await server.run('SET', 'key', 'of then');
    const stop = ['redis-cli', '-s', server.socket, 'shutdown', 'nosave'];
    socket = path.join(redis, 'started.sock');
    const start = ['redis-server', '--dir', server.data, '--unixsocket', socket, '--port', '0', '--daemonize', 'yes'];
    made = await makeSite({
      folder,
      sources: {
        wiki: { type: 'files', paths: [data] },
        cache: { ...server.config('save'), inPlace: { data: server.data, stop, start } },
      },
      destinations: { vault: directory('vault'), ...destinations },
      plans: { drill: { documents: path.join(folder, 'docs') } },
    });
    await backUp(THEN);
    await server.run('SET', 'key', 'what went wrong since');
    await writeFile(home, 'what went wrong since\n');
  }

  function directory(name: string) {
    return { type: 'directory', path: path.join(folder, name) } as const;
  }

  /** Everything, to every destination, and a recovery point that names it. @param point as whose it is signed. */
  async function backUp(scheduled: string, point = scheduled): Promise<void> {
    const { site } = made;
    const [runId, work] = [`daily-${scheduled}`, testWork()];
    const sources = await Promise.all(
      ['wiki', 'cache', OWN].map(async (source) => {
        const { backup } = await captureBackup({
          site,
          source,
          tier: 'daily',
          runId,
          scheduled,
          attempt: 1,
          busy: 0,
          work,
        });
        const copies = Object.keys(site.config.destinations);
        for (const destination of copies) await copyToDestination({ site, destination, backup, work });
        return { source, outcome: 'complete', backup, stale: false, copies, error: null } as const;
      }),
    );
    const id = `daily-${point}`;
    const run = { id, site: 'test', plan: 'daily', scheduled: point, created: new Date().toISOString() };
    const unsigned = { schema: RECOVERY_POINT_SCHEMA, ...run, outcome: 'complete', sources };
    const signer = await siteSigner(site);
    const bytes = Buffer.from(JSON.stringify({ ...unsigned, signature: signer.sign(canonical(unsigned)) }));
    const warnings = await deliverSmall({ site, key: recoveryPointKey(id), bytes, what: 'the point', work });
    assert.deepEqual(warnings, []);
  }

  async function read(name: string): Promise<string> {
    await writeDocuments({ site: made.site });
    return readFile(path.join(documentsFolder(made.site), name), 'utf8');
  }

  for (const [scenario, runbook, which, lost] of [
    ['host-lost', 'runbook.md', 0, []],
    ['primary-storage-lost', 'runbook-primary-storage-lost.md', 0, ['vault']],
    ['key-lost', 'runbook-key-lost.md', 1, []],
  ] as const) {
    it(`brings the site back after ${scenario}`, async () => {
      await make(scenario === 'primary-storage-lost' ? { second: directory('second') } : {});
      // One has the times of a drill, the others none.
      const sources = ['wiki', OWN].map((source) => drilledSource({ source, at: [22, 24, 80, 80, 82] }));
      const report = drillReport({ sources, fields: { config: made.site.configDigest } });
      await recordDrill({ site: made.site, report, work: testWork() });
      const text = await read(runbook);
      const kit = path.join(folder, 'identity from the kit');
      await copyFile(made.identities[which], kit);
      for (const gone of ['srv', 'repository', 'state', 'keys', 'config.yaml', 'docs', ...lost])
        await rm(path.join(folder, gone), { recursive: true });
      await followRunbook({ folder, runbook: text, identity: kit });
      assert.equal(await readFile(home, 'utf8'), 'what was there then\n');
      assert.equal((await stat(home)).mode & 0o777, 0o640);
      // The server was stopped, its data lie aside, and the one that was started has those of then.
      assert.equal(await keyAt(socket), 'of then');
      await stat(`${server.data}.before-recovery`);
      // With its config and its signing key, the site is one again that can make backups.
      const back = await loadSite({ file: made.file, env: process.env });
      assert.equal(back.configDigest, made.site.configDigest);
    });
  }

  it('has everything as it was just before a mistake, beside what is there', async () => {
    await make();
    const at = new Date().toISOString();
    await backUp(LATER);
    const runbook = await read('runbook-operator-error.md');
    const env = { AT: at, POINT: `daily-${THEN}` };
    await isOfThen(await followRunbook({ folder, runbook, identity: made.identities[0], env }));
  });

  it('has everything as it was before an attack, out of a bucket that the attacker has overwritten', async () => {
    const gateway = await startGateway();
    const { admin, endpoint } = gateway;
    const bucket = await makeBucket(gateway, { lock: true });
    const credentials = await credentialFiles(await temporaryFolder());
    await make({ remote: { type: 's3', bucket, endpoint, credentials, lock: 'governance' } });
    await pause(1_100);
    const at = new Date().toISOString();
    await pause(1_100);
    // With the host's own key: what he made is signed, and the recovery point of then names it. What else lay there is overwritten.
    const runbook = await read('runbook-ransomware.md');
    await backUp(LATER, THEN);
    const { Contents = [] } = await admin.listObjectsV2({ Bucket: bucket });
    for (const { Key = '' } of Contents.filter(({ LastModified }) => LastModified && LastModified < new Date(at)))
      await admin.putObject({ Bucket: bucket, Key, Body: 'encrypted, and the key is for sale' });
    for (const place of ['vault', 'repository']) await rm(path.join(folder, place), { recursive: true });
    const env = { AT: at, POINT: `daily-${THEN}` };
    await isOfThen(await followRunbook({ folder, runbook, identity: made.identities[0], env }));
  });

  /** What was recovered is of then, and what it was recovered beside is as it was. */
  async function isOfThen(recovered: string): Promise<void> {
    const [wiki, cache] = ['wiki', 'cache'].map((source) => path.join(recovered, `point-${source}`, source));
    assert.equal(await readFile(path.join(wiki ?? '', home), 'utf8'), 'what was there then\n');
    const start = ['--dir', cache ?? '', '--unixsocket', socket, '--port', '0', '--daemonize', 'yes'];
    await execa('redis-server', start);
    assert.equal(await keyAt(socket), 'of then');
    assert.equal(await readFile(home, 'utf8'), 'what went wrong since\n');
    assert.equal(await keyAt(server.socket), 'what went wrong since');
  }

  async function keyAt(at: string): Promise<string> {
    const { stdout } = await execa('redis-cli', ['-s', at, '--raw', 'GET', 'key']);
    return stdout;
  }
});
