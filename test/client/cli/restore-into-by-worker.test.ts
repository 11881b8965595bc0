import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { locate } from '../../../activities/streams/locate.ts';
import { runProgram } from '../../../activities/streams/run.ts';
import { startRun } from '../../../client/runs/start.ts';
import { ensureSearchAttributes } from '../../../client/temporal/namespace.ts';
import { OUTCOME, PLAN, SOURCE } from '../../../workflows/search-attributes.ts';
import { fill, rowsOf } from '../../activities/sources/postgres/exports.ts';
import { mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import {
  atPoint,
  runCommand,
  startCommand,
  type CommandProcess,
  type SignalPoint,
} from '../../support/worker-process.ts';

const shown = z.looseObject({ steps: z.array(z.looseObject({ state: z.string(), attempts: z.number() })) });

describe('restore --into by the worker of a host', function () {
  this.timeout(120_000);
  let folder: string;
  let temporal: TemporalProcess;
  let server: TestPostgres;
  let cache: TestRedis;
  let made: TestSite;
  let near: CommandProcess;
  let points = 0;
  const started: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'cache'), { mode: 0o755 });
    [server, cache, temporal] = await Promise.all([
      startPostgres({ folder }),
      startRedis({ folder: path.join(folder, 'cache') }),
      startTemporal(await temporaryFolder()),
    ]);
    await fill(server);
    await server.sql("CREATE TYPE mood AS ENUM ('canary'); CREATE TABLE moods (m mood)", 'shop');
    await server.sql("INSERT INTO moods VALUES ('canary')", 'shop');
    await cache.pipe(['SET session:1 one', 'SET session:2 two', 'SET cart bread']);
    await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    const scratch = path.join(folder, 'scratch');
    await mkdir(scratch, { mode: 0o755 });
    made = await makeSite({
      folder,
      hosts: {
        near: {},
        far: { repository: path.join(folder, 'far-repository'), state: path.join(folder, 'far-state') },
      },
      coordinator: 'near',
      sources: {
        db: { ...server.config('socket', { export: {} }), host: 'near' },
        cache: { ...cache.config(), host: 'near' },
      },
      plans: { daily: { retryFirst: '100ms', heartbeat: '2s' }, restoreTest: { scratch } },
      temporal: { address: temporal.address },
    });
    near = await worker('near');
    const weekly = { site: 'test', plan: 'weekly', scheduled: '2026-11-22T01:00:00Z', sources: ['db', 'cache'] };
    const run = await startRun(temporal.client(), weekly);
    assert.equal((await run.result()).outcome, 'complete');
  });
  after(async () => {
    for (const one of started) if (one.running()) await one.end();
    await temporal?.stop();
    await server?.stop('immediate');
    await cache?.stop();
    await cleanUp();
  });

  it('a database is a run that Temporal shows', async () => {
    const ended = await restore('db', '--database', 'shop', '--into', intoDatabase('one'));
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /restored from weekly\/db\/20261122T010000Z-full at repository, in/);
    assert.deepEqual(await rowsOf(server, 'one'), await rowsOf(server, 'shop'));
    const { status, typedSearchAttributes } = await temporal.client().workflow.getHandle(runOf(ended)).describe();
    assert.equal(status.name, 'COMPLETED');
    assert.deepEqual(
      [PLAN, SOURCE, OUTCOME].map((key) => typedSearchAttributes.get(key)),
      ['restore', 'db', 'complete'],
    );
  });

  it('keys are, too', async () => {
    await at('DEL', 'session:1', 'session:2');
    const ended = await restore('cache', '--key', 'session:*', ...INTO_CACHE);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^2 keys \(.*\) are restored from weekly\/cache\//);
    assert.match(runOf(ended), /^restore\/test\/near\//);
    assert.equal(await at('GET', 'session:2'), 'two');
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), [], 'no plaintext is left');
  });

  it('a path of --into is one of the folder of the command, whoever restores', async () => {
    const socket = path.relative(process.cwd(), cache.socket);
    const ended = await restore('cache', '--key', 'session:*', '--replace', '--into', `socket=${socket} user=default`);
    assert.equal(ended.code, 0, ended.stderr);
    assert.notEqual(runOf(ended), '');
  });

  it('what is refused is told with the status and remedy that the command itself has', async () => {
    const there = await restore('cache', '--key', 'cart', ...INTO_CACHE);
    assert.equal(there.code, 7, there.stderr);
    assert.match(there.stderr, /the server has 1 of them: cart\. Nothing was changed\.\n.*--replace/);
    assert.notEqual(runOf(there), '');
  });

  it('P39 what a server quotes of rows that it refuses is in no history', async () => {
    await server.sql('CREATE DATABASE moody');
    await server.sql("CREATE TYPE mood AS ENUM ('fine')", 'moody');
    const refused = await restore('db', '--database', 'shop', '--table', 'moods', '--into', intoDatabase('moody'));
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(
      refused.stderr,
      /The server refuses it: invalid input value for enum .*mood: "…"\. Nothing was changed/,
    );
    const history = await temporal.client().workflow.getHandle(runOf(refused)).fetchHistory();
    const payloads = [...JSON.stringify(history).matchAll(/"data":"([^"]*)"/g)];
    const texts = payloads.map(([, data = '']) => Buffer.from(data, 'base64').toString()).join('\n');
    assert.match(texts, /The server refuses it/);
    assert.doesNotMatch(`${texts}${JSON.stringify(history)}${near.output()}`, /canary/);
  });

  it('by the command itself with --direct, and where its password is in a variable of the command', async () => {
    const direct = await restore('cache', '--key', 'cart', ...INTO_CACHE, '--replace', '--direct');
    assert.equal(direct.code, 0, direct.stderr);
    assert.doesNotMatch(direct.stderr, /worker/);
    const into = ['--database', 'shop', '--into', intoDatabase('own'), '--password-env', 'PASSWORD_OF'];
    const own = await runCommand({
      args: ['-c', made.file, '--host', 'near', 'restore', 'latest', '--source', 'db', ...into],
      env: { PASSWORD_OF: 'none is asked for' },
      owner: folder,
    });
    assert.equal(own.code, 0, own.output);
    assert.match(own.output, /not by a worker: its password is in the variable PASSWORD_OF of this command/);
  });

  it('--on is the worker of another host, with a copy from a destination', async () => {
    const wrong = await restore('db', '--database', 'shop', '--into', intoDatabase('there'), '--on', 'far');
    assert.equal(wrong.code, 2, wrong.stderr);
    const args = [
      'db',
      '--database',
      'shop',
      '--into',
      intoDatabase('there'),
      '--on',
      'far',
      '--from',
      'vault',
    ] as const;
    const nobody = await restore(...args);
    assert.equal(nobody.code, 8, nobody.stderr);
    const far = await worker('far');
    const ended = await restore(...args);
    const own = ['--key', 'cart', '--on', 'far', '--from', 'vault', '--replace'] as const;
    const another = await restore('cache', ...own, ...INTO_CACHE);
    const into = ['--into', `socket=${cache.socket} user=guest`] as const;
    await at('ACL', 'SETUSER', 'guest', 'on', '>of far', '~*', '+@all');
    const secret = path.join(folder, 'secret-of-far');
    const unread = await restore('cache', ...own, ...into, '--password-file', secret);
    await writeFile(secret, 'of far', { mode: 0o600 });
    const keys = await restore('cache', ...own, ...into, '--password-file', secret);
    await far.end();
    assert.equal(another.code, 2, another.stderr);
    assert.match(
      another.stderr,
      /The server of "cache" is one of the host near \(.*\), and on far that is another one/,
    );
    assert.match(unread.stderr, /restored by the worker of far/, 'it is not this command that reads it');
    assert.equal(keys.code, 0, keys.stderr);
    assert.equal((await restore('cache', ...own, '--into', 'socket=here.sock')).code, 2);
    const unknown = await restore('cache', '--key', 'cart', '--on', 'nowhere', ...INTO_CACHE);
    assert.deepEqual([unknown.code, /no host "nowhere"/.test(unknown.stderr)], [2, true]);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stderr, /restored by the worker of far/);
    assert.deepEqual(await rowsOf(server, 'there'), await rowsOf(server, 'shop'));
  });

  it('P49 its worker killed when all was done and nobody knew, nothing is done again: what clients wrote since stays', async () => {
    const { restoring } = await killedAt({ at: 'activities/operations/restore-into.ts#intoStep', when: 'left' }, [
      'cache',
      '--key',
      'cart',
      ...INTO_CACHE,
      '--replace',
    ]);
    assert.equal(await at('GET', 'cart'), 'bread');
    await at('SET', 'cart', 'of a client');
    near = await worker('near');
    const ended = await restoring;
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^1 keys/);
    assert.equal(await at('GET', 'cart'), 'of a client');
    assert.deepEqual(await stepsOf(ended), [['done', 2]]);
  });

  it('P49 killed behind its COMMIT the next one finds it done', async () => {
    const args = ['db', '--database', 'shop', '--into', intoDatabase('kept')] as const;
    const point = { at: 'activities/sources/postgres/export/load.ts#loadArchive', when: 'left' } as const;
    const { restoring } = await killedAt(point, args);
    await server.sql("INSERT INTO customers (name) VALUES ('of a client')", 'kept');
    near = await worker('near');
    const ended = await restoring;
    assert.equal(ended.code, 0, ended.stderr);
    const kept = await server.sql("SELECT count(*)::int AS n FROM customers WHERE name = 'of a client'", 'kept');
    assert.deepEqual(kept, [{ n: 1 }]);
    assert.deepEqual(await stepsOf(ended), [['done', 2]]);
  });

  it('P49 killed before it wrote anything it begins again', async () => {
    const args = ['db', '--database', 'shop', '--into', intoDatabase('again')] as const;
    const { restoring } = await killedAt({ at: 'activities/operations/restore-export.ts#withExportPlan' }, args);
    near = await worker('near');
    const ended = await restoring;
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(await rowsOf(server, 'again'), await rowsOf(server, 'shop'));
    assert.deepEqual(await stepsOf(ended), [['done', 2]]);
  });

  const INTO_CACHE = ['--into', 'user=default'] as const;

  function intoDatabase(name: string): string {
    return `host=${server.socket} port=${server.port} user=postgres database=${name}`;
  }

  async function at(...words: readonly string[]): Promise<string> {
    const { stdout } = await runProgram({ command: locate('redis-cli'), args: ['-s', cache.socket, ...words] });
    return stdout.trim();
  }

  function restore(source: string, ...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', made.file, '--host', 'near', 'restore', 'latest', '--source', source, ...args]);
  }

  async function worker(
    host: string,
    of: { readonly point?: SignalPoint; readonly reached?: string } = {},
  ): Promise<CommandProcess> {
    const own = startCommand({ args: ['-c', made.file, '--host', host, 'worker'], owner: folder, ...of });
    started.push(own);
    await own.printed('serves');
    return own;
  }

  /** Begins a restore whose worker kills itself there, and has done so. */
  async function killedAt(
    point: SignalPoint,
    [source, ...args]: readonly [string, ...string[]],
  ): Promise<{ readonly restoring: Promise<Ended> }> {
    await near.end();
    const reached = path.join(folder, `reached-${points++}`);
    near = await worker('near', { point, reached });
    const restoring = restore(source, ...args);
    await atPoint(near, point, reached);
    return { restoring };
  }

  async function stepsOf(ended: Ended) {
    const { stdout } = await mosaicHere(['-c', made.file, '--host', 'near', 'runs', 'show', runOf(ended), '--json']);
    return shown.parse(JSON.parse(stdout)).steps.map(({ state, attempts }) => [state, attempts]);
  }
});

function runOf({ stderr }: Ended): string {
  return /restored by the worker of \S+: (restore\/\S+)/.exec(stderr)?.[1] ?? '';
}
