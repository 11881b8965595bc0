import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Site } from '../../../../activities/site.ts';
import { command } from '../../../../activities/sources/redis/client.ts';
import { redis } from '../../../../activities/sources/redis/index.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startRedis, type Method, type TestRedis } from '../../../support/redis.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { captureNow, restoreNewest, serveRestored } from '../served.ts';

const ROLE = new URL('../../../../infra/roles/redis-canary.acl', import.meta.url);
const KEY = 'mosaic-backup:canary';
const PASSWORD = 'sings every day';

describe('the canary of a Redis source', () => {
  let folder: string;
  let server: TestRedis;
  let canary: { readonly password: { readonly file: string } };
  let sites = 0;

  before(async () => {
    folder = await temporaryFolder();
    const own = path.join(folder, 'production');
    await mkdir(own, { mode: 0o755 });
    server = await startRedis({ folder: own, settings: { appendonly: 'yes', 'aof-timestamp-enabled': 'yes' } });
    await server.run('SET', 'secret', '1');
    const file = path.join(folder, 'canary.password');
    await writeFile(file, PASSWORD, { mode: 0o600 });
    canary = { password: { file } };
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  async function siteOf(method: Method): Promise<Site> {
    const own = path.join(folder, `site-${sites++}`);
    await mkdir(own);
    return (await makeSite({ folder: own, sources: { cache: server.config(method, { canary }) } })).site;
  }

  async function context() {
    const { readSecret } = await siteOf('stream');
    const state = path.join(folder, 'state');
    return { source: 'cache', config: server.source('stream', { canary }), work: testWork(), readSecret, state };
  }

  async function finding() {
    return (await redis.preflight(await context())).find(({ code }) => code === 'redis.canary');
  }

  async function beat(): Promise<string> {
    await (redis.beat?.(await context()) ?? assert.fail('the type has a canary'));
    return server.run('GET', KEY);
  }

  it('is missed by doctor, with the command that makes it, and stops no backup', async () => {
    const found = await finding();
    assert.equal(found?.severity, 'warning');
    assert.match(found.remedy ?? '', /ACL SETUSER mosaic_canary .*infra\/roles\/redis-canary\.acl/);
  });

  it('writes the time of the server’s clock into its key, and may do nothing else', async () => {
    // As the file says.
    const line = (await readFile(ROLE, 'utf8')).split('\n').find((each) => each.startsWith('user ')) ?? '';
    const [, user = '', ...rules] = line.split(' ');
    await server.run('ACL', 'SETUSER', user, ...rules);
    await server.run('ACL', 'SETUSER', user, `#${createHash('sha256').update(PASSWORD).digest('hex')}`);
    assert.equal(await finding(), undefined);
    const before = Date.now();
    const time = Date.parse(await beat());
    assert.ok(time >= before && time <= Date.now(), String(time - before));

    const connection = { host: '', port: 0, socket: server.socket, user, password: PASSWORD, ca: undefined };
    for (const denied of [
      'GET secret',
      'SET secret 2',
      `GET ${KEY}`,
      `DEL ${KEY}`,
      'KEYS *',
      'CONFIG GET *',
      'FLUSHALL',
      'ACL LIST',
      'PUBLISH a b',
      'EVAL 0 0',
      'INFO',
    ]) {
      const attempt = command({ connection, signal: testWork().signal }, denied.split(' '));
      assert.match((await isBackupError(attempt, 'access-denied')).message, /does not allow|NOPERM/, denied);
    }
  });

  it('tells how new it is what a restore brings back: by an RDB also its own instant', async () => {
    const site = await siteOf('stream');
    const time = await beat();
    const before = Math.floor(Date.now() / 1000) * 1000;
    await captureNow(site, '2026-03-01T02:00:00Z');
    const after = Date.now();
    const data = path.join(folder, 'from-stream');
    await restoreNewest(site, data);
    const newest = await newestIn(site, data);
    // Preflight wrote one more, right before.
    assert.equal(newest.canary !== undefined && newest.canary >= Date.parse(time) && newest.canary <= after, true);
    assert.ok(newest.commit !== undefined && newest.commit >= before && newest.commit <= after, String(newest.commit));
  });

  it('by append-only files also the last write of production, whatever is written to what was restored', async () => {
    const site = await siteOf('aof');
    await server.run('SET', 'last', '1');
    const before = Date.now();
    await captureNow(site, '2026-03-01T02:00:00Z');
    // A second later, so that what is tried is told apart.
    await wait(1_100);
    const data = path.join(folder, 'from-aof');
    await restoreNewest(site, data);
    for (let turn = 0; turn < 2; turn += 1) {
      const { commit = 0 } = await newestIn(site, data, `${turn}`);
      assert.ok(commit >= before - 1_000 && commit <= before + 1_000, `${commit - before}`);
    }
  });

  /** Milliseconds since the epoch; something is written to it afterwards. */
  async function newestIn(site: Site, data: string, turn = '') {
    const service = await serveRestored(site, data, `${data}.run${turn}`);
    try {
      const newest = await service.newest(testWork());
      await service.ask({ text: 'SET tried 1' }, testWork());
      assert.deepEqual(await service.newest(testWork()), newest);
      const of = (wanted: string) => newest.filter(({ by }) => by === wanted).map(({ time }) => Date.parse(time))[0];
      return { canary: of('canary'), commit: of('commit') };
    } finally {
      await service.stop();
    }
  }
});
