/** Canaries of two servers, as a worker writes them: with what befalls one of them, and the config. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { loadSite } from '../../../../activities/config/load.ts';
import { startCanaries, type Canaries } from '../../../../workers/canaries.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startRedis, type TestRedis } from '../../../support/redis.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork, type TestWork } from '../../../support/work.ts';

const KEY = 'mosaic-backup:canary';
const RIGHTS = 'on resetkeys ~mosaic-backup:canary resetchannels -@all +ping +time +set';

describe('the canaries of a worker', () => {
  let folder: string;
  let one: TestRedis;
  let two: TestRedis;
  let test: TestSite;
  let canaries: Canaries | undefined;
  let work: TestWork;

  async function start(name: string): Promise<TestRedis> {
    const own = path.join(folder, name);
    await mkdir(own, { mode: 0o755 });
    return startRedis({ folder: own });
  }

  async function letIn(server: TestRedis, password: string): Promise<void> {
    const digest = createHash('sha256').update(password).digest('hex');
    await server.run('ACL', 'SETUSER', 'mosaic_canary', ...RIGHTS.split(' '), `#${digest}`);
  }

  before(async () => {
    folder = await temporaryFolder();
    [one, two] = [await start('one'), await start('two')];
    const password = path.join(folder, 'canary.password');
    await writeFile(password, 'sings', { mode: 0o600 });
    for (const server of [one, two]) await letIn(server, 'sings');
    const canary = { password: { file: password }, every: '1s' };
    const files = { type: 'files' as const, paths: [path.join(folder, 'one')], host: 'here' };
    const far = { ...two.config('stream', { canary }), host: 'far' };
    test = await makeSite({
      folder,
      hosts: { here: {}, far: {} },
      coordinator: 'here',
      sources: {
        one: { ...one.config('stream', { canary }), host: 'here' },
        two: { ...two.config('stream', { canary }), host: 'here' },
        far,
        files,
      },
    });
  });
  afterEach(() => canaries?.stop());
  after(async () => {
    await one?.stop();
    await two?.stop();
    await cleanUp();
  });

  function startThem(): void {
    work = testWork();
    const openSite = () => loadSite({ file: test.file, env: process.env, host: 'here' });
    canaries = startCanaries({ openSite, log: work.log });
  }

  async function nextBeat(server: TestRedis): Promise<string> {
    const before = await server.run('GET', KEY);
    return until('it beats', async () => {
      const now = await server.run('GET', KEY);
      return now !== before && now !== '' && now;
    });
  }

  function told(text: string): readonly string[] {
    return work.logged.filter((line) => line.includes(text));
  }

  it('beat each for itself: a server that is away is told once, tried again, and holds up no other', async () => {
    startThem();
    await nextBeat(one);
    await nextBeat(two);
    await two.stop();
    await until('that is told', () => told('a canary writes nothing').length > 0);
    for (let turn = 0; turn < 2; turn += 1) await nextBeat(one);
    const [warning, ...more] = told('a canary writes nothing');
    assert.deepEqual(more, []);
    assert.match(warning ?? '', /^warn .*"source":"two","code":"unreachable"/);
    await two.start();
    await letIn(two, 'sings');
    await nextBeat(two);
    assert.equal(
      (await until('that is told', () => told('writes again').length > 0 && told('writes again'))).length,
      1,
    );
    assert.deepEqual(told('far'), [], 'the canary of another host is not its own');
    assert.equal(work.logged.join('\n').includes('sings'), false);
  });

  it('end with the worker, and with all that they were doing', async () => {
    startThem();
    await nextBeat(one);
    await canaries?.stop();
    const last = await one.run('GET', KEY);
    await wait(1_500);
    assert.equal(await one.run('GET', KEY), last);
    assert.deepEqual(told('writes nothing'), []);
  });

  it('go by the config as it is: one that is taken out falls silent, and a config that is wrong for a while changes nothing', async () => {
    startThem();
    await nextBeat(one);
    const text = await readFile(test.file, 'utf8');
    await writeFile(test.file, 'site: [');
    await nextBeat(one);
    const config: { sources: Record<string, { canary?: unknown }> } = parse(text);
    delete config.sources['one']?.canary;
    await writeFile(test.file, stringify(config));
    await nextBeat(two);
    await nextBeat(two);
    const last = await one.run('GET', KEY);
    await nextBeat(two);
    assert.equal(await one.run('GET', KEY), last);
    await writeFile(test.file, text);
    await nextBeat(one);
  });
});
