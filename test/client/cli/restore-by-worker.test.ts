import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { loadSite } from '../../../activities/config/load.ts';
import { restoreStep } from '../../../activities/operations/restore-run.ts';
import { elsewhere, seeTarget } from '../../../activities/operations/restore-seen.ts';
import { listBackups, pinned } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { locate } from '../../../activities/streams/locate.ts';
import { followRestore, startRestore } from '../../../client/restore/run.ts';
import { startRun } from '../../../client/runs/start.ts';
import { ensureSearchAttributes } from '../../../client/temporal/namespace.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import type { SeenTarget } from '../../../model/restore-run.ts';
import { HOST, OUTCOME, PLAN, SITE, SOURCE } from '../../../workflows/search-attributes.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { openProxy } from '../../support/proxy.ts';
import { makeSite } from '../../support/site.ts';
import { withSmallDisk } from '../../support/small-disk.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import { until } from '../../support/until.ts';
import { testWork } from '../../support/work.ts';
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
    // More than all pipes of a restore take.
    await writeFile(below('data/more'), randomBytes(4_000_000));
    await mkdir(below('board'));
    await writeFile(below('board/file'), content);
    ({ file } = await makeSite({
      folder,
      hosts: { near: {}, far: { repository: below('far-repository'), state: below('far-state') } },
      coordinator: 'near',
      sources: {
        wiki: { type: 'files', host: 'near', paths: [below('data')], limits: { maxRate: '10MB' } },
        board: { type: 'files', host: 'near', paths: [below('board')], after: ['wiki'] },
      },
      plans: { daily: { retryFirst: '100ms', heartbeat: '2s' } },
      temporal: { address: temporal.address },
    }));
    // The one of the machine, which waits as long as the test says.
    await mkdir(below('bin'));
    const zstd = `#!/bin/sh\nwhile test -e '${below('hold')}'; do sleep 0.1; done\nexec ${locate('zstd')} "$@"\n`;
    await writeFile(below('bin/zstd'), zstd, { mode: 0o755 });
    near = await worker('near');
    const scheduled = '2026-11-20T02:00:00Z';
    const sources = ['wiki', 'board'];
    const run = await startRun(temporal.client(), { site: 'test', plan: 'daily', scheduled, sources });
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

  it('tells how far it is, and of which source where it is of several', async () => {
    await writeFile(below('hold'), '');
    const [one, all] = [
      [...LATEST, '--to', below('slow')],
      ['--point', 'latest', '--to', below('slow-all')],
    ].map((args) => startCommand({ args: ['-c', file, '--host', 'near', 'restore', ...args], owner: folder }));
    assert.ok(one && all);
    started.push(one, all);
    const some = /[1-9][\d.]* [KM]iB of 4\.\d MiB, [1-9]\d? %, \d/.source;
    for (const [own, line] of [
      [one, new RegExp(`^reading {2}${some}`, 'm')],
      [all, new RegExp(`^wiki: reading {2}${some}`, 'm')],
    ] as const)
      await until(`${String(line)} of a restore`, () => {
        assert.ok(own.running(), own.output());
        return line.test(own.output());
      });
    await rm(below('hold'));
    for (const own of [one, all]) assert.equal((await own.ended).code, 0, own.output());
    await assertRestored('slow');
    await assertRestored('slow-all/wiki');
  });

  it('is refused as by the command itself, with the same status and remedy', async () => {
    await mkdir(below('taken'));
    await writeFile(below('taken/mine'), '');
    const { code, stderr } = await restore('--to', below('taken'));
    assert.equal(code, 4, stderr);
    assert.match(stderr, /is not empty: it has mine\. Nothing was changed\./);
    assert.match(stderr, /Choose an empty or new folder/);
  });

  it('with --direct it is done by the command itself', async () => {
    const direct = await restore('--to', below('direct'), '--direct');
    assert.equal(direct.code, 0, direct.stderr);
    assert.doesNotMatch(direct.stderr, /worker/);
    await assertRestored('direct');
    assert.equal((await restore('--to', below('both'), '--direct', '--on', 'near')).code, 2);
  });

  it('is done by the command itself where its config reads a bucket as it was before an attack: a worker goes by its own', async () => {
    const config: SiteInput = parse(await readFile(file, 'utf8'));
    const old = { type: 's3', bucket: 'old', endpoint: 'http://127.0.0.1:1', before: '2026-11-20T00:00:00Z' };
    const recovery = below('recovery.yaml');
    await writeFile(recovery, stringify({ ...config, destinations: { ...config.destinations, old } }));
    const restoring = ['-c', recovery, '--host', 'near', 'restore'];
    const one = await mosaicHere([...restoring, 'latest', '--source', 'wiki', '--to', below('as-it-was')]);
    const all = await mosaicHere([...restoring, '--point', 'latest', '--to', below('all-as-it-was')]);
    for (const { code, stderr } of [one, all]) {
      assert.equal(code, 0, stderr);
      assert.match(stderr, /by this command itself, and not by a worker: by this config old is read as it was before/);
    }
    await assertRestored('as-it-was');
    const onFar = ['latest', '--source', 'wiki', '--from', 'vault', '--on', 'far', '--to', below('on-far')];
    const far = await mosaicHere([...restoring, ...onFar]);
    assert.equal(far.code, 2, far.stderr);
    assert.match(far.stderr, /a worker goes by its own\.\n.*Leave --on out/);
  });

  it('is told beforehand: from where, how much, and how long by what restore tests took', async () => {
    const tested = await mosaicHere(['-c', file, '--host', 'near', 'test-restore', '--source', 'wiki']);
    assert.equal(tested.code, 0, tested.stderr);
    const from = tested.stdout.includes('vault') ? 'vault' : 'repository';
    const { stdout, stderr } = await restore('--to', below('dry'), '--dry-run', '--json', '--from', from);
    assert.match(stderr, /to .*dry: .* at most; expected to take \S+, as restores from there did/);
    const { expected, fetched } = JSON.parse(stdout) as { expected: number; fetched: number };
    assert.ok(expected > 0 && expected < 60_000 && fetched > 290_000, stdout);
  });

  it('on another host by a flag; where that has no worker nobody else does it', async () => {
    const without = await restore('--to', below('there'), '--on', 'far', '--from', 'vault');
    assert.equal(without.code, 8, without.stderr);
    assert.match(without.stderr, /far cannot be asked to restore: no worker of far polls its queue/);
    assert.equal((await restore('--to', below('there'), '--on', 'far')).code, 2);
    const point = (...args: readonly string[]) =>
      mosaicHere(['-c', file, '--host', 'near', 'restore', '--point', 'latest', '--to', below('all-there'), ...args]);
    const nobody = await point('--on', 'far', '--from', 'vault');
    assert.equal(nobody.code, 8, nobody.stderr);
    assert.match(nobody.stderr, /far cannot be asked to restore: no worker of far is there/);
    const unsaid = await point('--on', 'far');
    assert.equal(unsaid.code, 2, unsaid.stderr);
    assert.match(unsaid.stderr, /on far wants --from a destination/);
    const far = await worker('far');
    const one = await restore('--to', below('there'), '--on', 'far', '--from', 'vault');
    const all = await point('--on', 'far', '--from', 'vault', '--json');
    await far.end();
    for (const { code, stderr } of [one, all]) {
      assert.equal(code, 0, stderr);
      assert.match(stderr, /restored by the worker of far/);
    }
    await assertRestored('there');
    const { restored } = JSON.parse(all.stdout) as { restored: readonly { source: string; from: string }[] };
    assert.deepEqual(
      restored.map(({ source, from }) => [source, from]),
      [
        ['wiki', 'vault'],
        ['board', 'vault'],
      ],
    );
    await assertRestored('all-there/wiki');
    await assertRestored('all-there/board', 'board');
  });

  it("while it is watched no bug is taken for a worker that does not answer; one that waits is tried again at an operator's word", async () => {
    const site = await loadSite({ file, host: 'near' });
    const all = await listBackups(repositoryStore(site.repository));
    const newest = all.find(({ name }) => name.source === 'wiki');
    assert.ok(newest);
    const of = { site: 'test', host: 'near', source: 'wiki', place: 'vault', target: null, paths: [] };
    const input = { ...of, backup: pinned(newest.manifest), to: below('watched') };
    // It is not mounted.
    await rename(below('vault'), below('vault.gone'));
    const handle = await startRestore(temporal.client(), site.config, input);
    const watching = new AbortController();
    const onFailed = (why: string): never => {
      watching.abort();
      throw new RangeError(why);
    };
    const watched = followRestore(handle, { signal: watching.signal, progress: () => undefined, onFailed });
    await assert.rejects(watched, { name: 'RangeError', message: /^it failed, and is tried again: / });
    const waiting = await startRestore(temporal.client(), site.config, { ...input, to: below('retried') });
    const retry = ['-c', file, '--host', 'near', 'runs', 'retry', waiting.workflowId];
    await until('an operator has it tried again', async () => (await mosaicHere(retry)).code === 0);
    await rename(below('vault.gone'), below('vault'));
    const report = await waiting.result();
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    await assertRestored('retried');
  });

  it('P49 its worker killed it goes on with the next one, and leaves nothing else', async () => {
    await near.end();
    const points = [
      { at: 'activities/operations/restore.ts#restoreInto', when: 'left' },
      // The folder has its name, and nobody knows.
      { at: 'activities/operations/restore.ts#restoreBackup', when: 'left' },
    ] satisfies readonly SignalPoint[];
    let restoring: ReturnType<typeof restore> | undefined;
    for (const point of points) {
      const reached = below(`reached-${path.basename(point.at)}`);
      const dying = await worker('near', point, reached);
      restoring ??= restore('--to', below('killed'));
      await atPoint(dying, point, reached);
    }
    near = await worker('near');
    assert.ok(restoring);
    const { code, stderr } = await restoring;
    assert.equal(code, 0, stderr);
    await assertRestored('killed');
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('.')),
      [],
    );
  });

  it('P49 a whole recovery point is one run, of steps; its worker killed between two of them, it goes on with what is lacking', async () => {
    await near.end();
    const point: SignalPoint = { at: 'activities/operations/restore-run.ts#restoreStep', when: 'left' };
    const dying = await worker('near', point, below('reached-point'));
    const restoring = mosaicHere(['-c', file, '--host', 'near', 'restore', '--point', 'latest', '--to', below('all')]);
    await atPoint(dying, point, below('reached-point'));
    near = await worker('near');
    const { code, stdout, stderr } = await restoring;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /board +restored in .* repository/);
    const id = /restored by the worker of near: (restore\/test\/near\/\w+)/.exec(stderr)?.[1] ?? '';
    const shown = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'show', id, '--json']);
    const { steps, state } = JSON.parse(shown.stdout) as {
      state: string;
      steps: readonly { id: string; state: string; after: readonly string[]; attempts: number }[];
    };
    assert.equal(state, 'complete');
    assert.deepEqual(
      steps.map((step) => [step.id, step.state, step.after.at(-1)]),
      [
        ['prepare', 'done', undefined],
        ['wiki/restore', 'done', 'prepare'],
        ['board/restore', 'done', 'wiki/restore'],
      ],
    );
    assert.equal(steps.find((step) => step.id === 'wiki/restore')?.attempts, 2);
    await assertRestored(path.join('all', 'wiki'));
    assert.deepEqual((await readdir(below('all'))).toSorted(), ['.mosaic-restore.json', 'board', 'wiki']);
    const args = ['-c', file, '--host', 'near', 'restore', '--point', 'latest', '--to', below('all'), '--json'];
    const again = await mosaicHere(args);
    assert.equal(again.stdout.match(/"existed": true/g)?.length, 2, again.stdout);
  });

  it('^C ends it, and what is half made is gone', async () => {
    await near.end();
    // Before it reads anything, or it would be done before ^C came to its worker.
    const point: SignalPoint = { at: 'activities/operations/restore.ts#restoreInto', signal: 'HOLD' };
    const reached = below('reached-cut');
    near = await worker('near', point, reached);
    const args = ['-c', file, '--host', 'near', 'restore', ...LATEST, '--to', below('cut')];
    const cut = startCommand({ args, owner: folder });
    started.push(cut);
    await cut.printed('restored by the worker');
    await atPoint(near, point, reached);
    cut.kill('SIGINT');
    const { code } = await cut.ended;
    assert.equal(code, 130, cut.output());
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('cut') && name !== 'reached-cut'),
      [],
    );
  });

  it('P49 of two restores to one folder the later one is refused', async () => {
    const point: SignalPoint = { at: 'activities/operations/restore.ts#restoreInto', signal: 'SIGSTOP' };
    const reached = below('reached-two');
    const args = ['-c', file, '--host', 'near', 'restore', ...LATEST, '--direct', '--to', below('two')];
    const first = startCommand({ args, owner: folder, point, reached });
    started.push(first);
    await atPoint(first, point, reached);
    const direct = await restore('--to', below('two'), '--direct');
    assert.equal(direct.code, 7, direct.stderr);
    assert.match(direct.stderr, new RegExp(`another restore to .*two goes on \\(process ${first.pid}\\)`));
    const [one, two] = await Promise.all(['joined', 'joined'].map((to) => restore('--to', below(to))));
    assert.deepEqual([one?.code, two?.code], [0, 0], `${one?.stderr}${two?.stderr}`);
    first.kill('SIGCONT');
    assert.equal((await first.ended).code, 0, first.output());
    await assertRestored('two');
    await assertRestored('joined');
  });

  it('a worker that is not where it was asked for does nothing, and says why', async () => {
    const site = await loadSite({ file, env: process.env, host: 'near' });
    const all = await listBackups(repositoryStore(site.repository));
    const backup = all.find(({ name }) => name.source === 'wiki');
    assert.ok(backup);
    const to = below('elsewhere');
    const seen = await seeTarget(site, to);
    const waits = { deadline: 0, retryFirst: 0, retryMax: 0, heartbeat: 0, standstill: 60_000 };
    const of = { site: 'test', host: 'near', source: 'wiki', backup: pinned(backup.manifest), target: null, paths: [] };
    const step = (other: Partial<SeenTarget>) =>
      restoreStep({
        site,
        input: { ...of, place: null, to, waits, run: 'run', seen: { ...seen, ...other } },
        work: testWork(),
      });
    assert.match((await step({ uid: 12_345 })).elsewhere ?? '', /runs as another user \(uid \d+, not 12345\)/);
    assert.match((await step({ boot: 'another' })).elsewhere ?? '', /on another machine/);
    assert.match((await step({ inode: '1:2' })).elsewhere ?? '', /sees another .*, as in a container/);
    assert.match(
      (await step({ config: '/etc/another.yaml' })).elsewhere ?? '',
      /goes by another config \(.*config\.yaml\)/,
    );
    // As a unit of systemd keeps a worker from /root and /usr.
    await withSmallDisk(1, async (disk) => {
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      const there = path.join(disk, 'new/restored');
      assert.match((await elsewhere(site, await seeTarget(site, there), there)) ?? '', /may not write to .* \(EROFS\)/);
    });
    assert.ok(!(await readdir(folder)).includes('elsewhere'));
    assert.equal((await step({})).elsewhere, undefined);
    await assertRestored('elsewhere');
  });

  it('P49 a worker that is frozen, and listed all the same, keeps nobody waiting: it is done by the command itself, once; what somebody had just begun is waited for', async () => {
    const point: SignalPoint = { at: 'activities/operations/restore.ts#restoreInto', signal: 'SIGSTOP' };
    const reached = below('reached-last');
    const args = ['-c', file, '--host', 'near', 'restore', '--point', 'latest', '--to', below('point')];
    // In the place of a worker that begins at the last moment, and takes until it hears that its run is over.
    const late = startCommand({ args: [...args, '--direct'], owner: folder, point, reached });
    started.push(late);
    await atPoint(late, point, reached);
    near.kill('SIGSTOP');
    const began = Date.now();
    const one = restore('--to', below('alone'));
    // And of a whole recovery point as well.
    const all = startCommand({ args, owner: folder });
    started.push(all);
    await all.printed('by this command itself, and not by a worker: the worker of near has not begun with it');
    const { code, stderr } = await one;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /by this command itself, and not by a worker: the worker of near has not begun with it/);
    assert.ok(Date.now() - began < 60_000);
    await assertRestored('alone');
    await pause(3_000);
    assert.ok(all.running(), all.output());
    late.kill('SIGKILL');
    const ended = await all.ended;
    near.kill('SIGCONT');
    assert.equal(ended.code, 0, all.output());
    await assertRestored('point/wiki');
    assert.deepEqual(
      (await readdir(below('point'))).filter((name) => !name.startsWith('.')),
      ['board', 'wiki'],
    );
    const runs = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'list', '--plan', 'restore', '--json']);
    assert.match(runs.stdout, /"terminated"/);
    // Awake again it restores for others, and has left what was done without it.
    assert.equal((await restore('--to', below('awake'))).code, 0);
    await assertRestored('alone');
  });

  it('where something takes the connection and never answers, or nobody listens, it is done by the command itself, soon', async () => {
    const proxy = await openProxy(temporal.address);
    proxy.stall();
    const text = await readFile(file, 'utf8');
    const own = async (address: string, to: string) => {
      await writeFile(below(`${to}.yaml`), text.replaceAll(temporal.address, address));
      return mosaicHere(['-c', below(`${to}.yaml`), '--host', 'near', 'restore', ...LATEST, '--to', below(to)]);
    };
    const silent = await own(proxy.address, 'silent');
    await proxy.close();
    assert.equal(silent.code, 0, silent.stderr);
    assert.match(silent.stderr, /by this command itself, and not by a worker: Temporal does not answer at/);
    await assertRestored('silent');
    const closed = await own(proxy.address, 'closed');
    assert.match(closed.stderr, /and not by a worker: nobody listens at 127\.0\.0\.1:\d+/);
    await assertRestored('closed');
  });

  const LATEST = ['latest', '--source', 'wiki'] as const;

  function restore(...args: readonly string[]) {
    return mosaicHere(['-c', file, '--host', 'near', 'restore', ...LATEST, ...args]);
  }

  async function worker(host: string, point?: SignalPoint, reached?: string): Promise<CommandProcess> {
    const args = ['-c', file, '--host', host, 'worker'];
    const env = { PATH: `${below('bin')}:${process.env['PATH'] ?? ''}` };
    const own = startCommand({ args, owner: folder, env, ...(point && reached ? { point, reached } : {}) });
    started.push(own);
    await own.printed('serves');
    return own;
  }

  async function assertRestored(to: string, data = 'data'): Promise<void> {
    assert.ok((await readFile(path.join(below(to), folder, data, 'file'))).equals(content));
  }

  function below(name: string): string {
    return path.join(folder, name);
  }
});
