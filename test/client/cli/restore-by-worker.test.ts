import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startRun } from '../../../client/runs/start.ts';
import { ensureSearchAttributes } from '../../../client/temporal/namespace.ts';
import { HOST, OUTCOME, PLAN, SITE, SOURCE } from '../../../workflows/search-attributes.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import { until } from '../../support/until.ts';
import { atPoint, startCommand, type CommandProcess, type SignalPoint } from '../../support/worker-process.ts';

describe('a restore by the worker of its host', function () {
  this.timeout(120_000);
  let temporal: TemporalProcess;
  let folder: string;
  let file: string;
  let content: Buffer;
  let near: CommandProcess;
  const started: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(await temporaryFolder());
    await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    content = randomBytes(300_000);
    await mkdir(below('data'));
    await writeFile(below('data/file'), content);
    ({ file } = await makeSite({
      folder,
      hosts: { near: {}, far: { repository: below('far-repository'), state: below('far-state') } },
      coordinator: 'near',
      sources: { wiki: { type: 'files', host: 'near', paths: [below('data')], limits: { maxRate: '10MB' } } },
      plans: { daily: { retryFirst: '100ms', heartbeat: '2s' } },
      temporal: { address: temporal.address },
    }));
    near = await worker('near');
    const scheduled = '2026-11-20T02:00:00Z';
    const run = await startRun(temporal.client(), { site: 'test', plan: 'daily', scheduled, sources: ['wiki'] });
    assert.equal((await run.result()).outcome, 'complete');
  });

  after(async () => {
    for (const one of started) if (one.running()) await one.end();
    await temporal?.stop();
    await cleanUp();
  });

  it('is a run that Temporal shows, and restores the same', async () => {
    const { code, stdout, stderr } = await restore('--to', below('one'));
    assert.equal(code, 0, stderr);
    const id = /restored by the worker of near: (restore\/test\/near\/\w+)/.exec(stderr)?.[1] ?? '';
    assert.match(stdout, /is restored to .*one from repository, in/);
    const { status, typedSearchAttributes } = await temporal.client().workflow.getHandle(id).describe();
    assert.equal(status.name, 'COMPLETED');
    assert.deepEqual(
      [SITE, PLAN, SOURCE, HOST, OUTCOME].map((key) => typedSearchAttributes.get(key)),
      ['test', 'restore', 'wiki', 'near', 'complete'],
    );
    await assertRestored('one');
  });

  it('is refused as by the command itself, with the same status and remedy', async () => {
    await mkdir(below('taken'));
    await writeFile(below('taken/mine'), '');
    const { code, stderr } = await restore('--to', below('taken'));
    assert.equal(code, 4, stderr);
    assert.match(stderr, /is not empty: it has mine\. Nothing was changed\./);
    assert.match(stderr, /Choose an empty or new folder/);
  });

  it('without the flag it is done by the command itself', async () => {
    const direct = await mosaicHere(['-c', file, '--host', 'near', 'restore', ...LATEST, '--to', below('direct')]);
    assert.equal(direct.code, 0, direct.stderr);
    assert.doesNotMatch(direct.stderr, /by the worker/);
    await assertRestored('direct');
  });

  it('on another host by a flag; where that has no worker nobody else does it', async () => {
    const without = await restore('--to', below('there'), '--on', 'far', '--from', 'vault');
    assert.equal(without.code, 8, without.stderr);
    assert.match(without.stderr, /far cannot be asked to restore: no worker of far polls its queue/);
    assert.equal((await restore('--to', below('there'), '--on', 'far')).code, 2);
    const far = await worker('far');
    const { code, stderr } = await restore('--to', below('there'), '--on', 'far', '--from', 'vault');
    await far.end();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /restored by the worker of far/);
    await assertRestored('there');
  });

  const points = [
    { at: 'activities/operations/restore.ts#restoreInto', when: 'left' },
    // The folder has its name, and nobody knows.
    { at: 'activities/operations/restore.ts#restoreBackup', when: 'left' },
  ] satisfies readonly SignalPoint[];
  for (const [number, point] of points.entries()) {
    it(`P49 its worker killed it goes on with the next one, and leaves nothing else (${point.at})`, async () => {
      await near.end();
      const reached = below(`reached-${number}`);
      const dying = await worker('near', point, reached);
      const to = `killed-${number}`;
      const restoring = restore('--to', below(to));
      await atPoint(dying, point, reached);
      near = await worker('near');
      const { code, stderr } = await restoring;
      assert.equal(code, 0, stderr);
      await assertRestored(to);
      assert.deepEqual(
        (await readdir(folder)).filter((name) => name.startsWith('.')),
        [],
      );
    });
  }

  it('^C ends it, and what is half made is gone', async () => {
    const slow = startCommand({
      args: ['-c', file, '--host', 'near', 'restore', ...LATEST, '--on', 'near', '--to', below('cut')],
      owner: folder,
    });
    await slow.printed('restored by the worker');
    slow.kill('SIGINT');
    const { code } = await slow.ended;
    if (code === 0) await assertRestored('cut');
    else {
      assert.equal(code, 130);
      await until('nothing is left', async () => (await readdir(folder)).every((name) => !name.includes('cut')));
    }
  });

  const LATEST = ['latest', '--source', 'wiki'] as const;

  function restore(...args: readonly string[]) {
    const on = args.includes('--on') ? [] : ['--on', 'near'];
    return mosaicHere(['-c', file, '--host', 'near', 'restore', ...LATEST, ...on, ...args]);
  }

  async function worker(host: string, point?: SignalPoint, reached?: string): Promise<CommandProcess> {
    const args = ['-c', file, '--host', host, 'worker'];
    const own = startCommand({ args, owner: folder, ...(point && reached ? { point, reached } : {}) });
    started.push(own);
    await own.printed('serves');
    return own;
  }

  async function assertRestored(to: string): Promise<void> {
    assert.ok((await readFile(path.join(below(to), folder, 'data/file'))).equals(content));
  }

  function below(name: string): string {
    return path.join(folder, name);
  }
});
