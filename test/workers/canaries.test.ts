/** A worker writes the canaries of its host's sources, whatever becomes of Temporal. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';
import { startCommand, type CommandProcess } from '../support/worker-process.ts';

const KEY = 'mosaic-backup:canary';

describe('the canaries of a worker process', function () {
  this.timeout(120_000);
  let temporal: TemporalProcess | undefined;
  let server: TestRedis;
  let test: TestSite;
  let worker: CommandProcess | undefined;
  let folder: string;

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(await temporaryFolder());
    const own = path.join(folder, 'production');
    await mkdir(own, { mode: 0o755 });
    server = await startRedis({ folder: own });
    const password = path.join(folder, 'canary.password');
    await writeFile(password, 'sings', { mode: 0o600 });
    const role = await readFile(new URL('../../infra/roles/redis-canary.acl', import.meta.url), 'utf8');
    const line = role.split('\n').find((each) => each.startsWith('user ')) ?? assert.fail('no user');
    const [, ...words] = line.split(' ');
    await server.run('ACL', 'SETUSER', ...words, '>sings');
    const canary = { password: { file: password }, every: '1s' };
    const cache = server.config('stream', { canary });
    test = await makeSite({
      folder,
      sources: { cache },
      temporal: { address: temporal.address },
      worker: { grace: '1s' },
    });
  });
  after(async () => {
    await worker?.end();
    await temporal?.stop();
    await server?.stop();
    await cleanUp();
  });

  async function nextBeat(): Promise<string> {
    const before = await server.run('GET', KEY);
    return until('it beats', async () => {
      const now = await server.run('GET', KEY);
      return now !== before && now !== '' && now;
    });
  }

  function start(): CommandProcess {
    worker = startCommand({ args: ['-c', test.file, 'worker'], owner: folder });
    return worker;
  }

  it('end with it, in order', async () => {
    const running = start();
    await until('it is up', () => /worker/.test(running.output()));
    await nextBeat();
    running.kill('SIGTERM');
    assert.equal((await running.ended).code, 0, running.output());
    const last = await server.run('GET', KEY);
    await wait(1_500);
    assert.equal(await server.run('GET', KEY), last);
    assert.doesNotMatch(running.output(), /a canary|sings/);
  });

  it('are written with Temporal or without', async () => {
    start();
    await nextBeat();
    await temporal?.stop();
    temporal = undefined;
    for (let turn = 0; turn < 2; turn += 1) await nextBeat();
  });
});
