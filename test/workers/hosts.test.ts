/** A site of two hosts, each with a worker and an environment of its own. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { SiteInput } from '../../model/config/site.ts';
import { json, mosaicHere, type Ended } from '../support/command-line.ts';
import { filesWith } from '../support/files-with.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { makeSite } from '../support/site.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';
import { startCommand, type CommandProcess } from '../support/worker-process.ts';

const CANARY = 'canary-of-the-other-host';
const report = z.looseObject({
  runId: z.string(),
  outcome: z.string(),
  sources: z.array(z.looseObject({ source: z.string(), errors: z.array(z.looseObject({ message: z.string() })) })),
});

describe('a site of two hosts', function () {
  this.timeout(120_000);
  let folder: string;
  let file: string;
  let temporal: TemporalProcess;
  let hook: Webhook;
  const workers: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(await temporaryFolder());
    hook = await startWebhook();
    for (const name of ['mine', 'other']) {
      await mkdir(dataOf(name), { recursive: true });
      await writeFile(path.join(dataOf(name), 'file'), `of ${name}`);
    }
    const there = { webhook: { env: 'FAR_HOOK' } };
    ({ file } = await makeSite({
      folder,
      hosts: {
        near: {},
        far: { repository: path.join(folder, 'far-repository'), state: path.join(folder, 'far-state') },
      },
      coordinator: 'near',
      sources: {
        mine: { type: 'files', host: 'near', paths: [dataOf('mine')] },
        other: { type: 'files', host: 'far', paths: [dataOf('other')], hooks: { before: [there], after: [there] } },
      },
      plans: { daily: { captureDeadline: '1s', retryFirst: '100ms', retryMax: '200ms' } },
      temporal: { address: temporal.address },
    }));
    const secret = { FAR_HOOK: `http://127.0.0.1:${hook.port}/${CANARY}` };
    for (const [host, env] of [['near', {}] as const, ['far', secret] as const])
      workers.push(startCommand({ args: ['-vv', '-c', file, '--host', host, 'worker'], owner: folder, env }));
    await Promise.all(workers.map((worker) => worker.printed('serves test')));
  });

  after(async () => {
    await Promise.all(workers.map((worker) => worker.end()));
    await temporal?.stop();
    await hook?.stop();
    await cleanUp();
  });

  it("P39 a host's secrets are read there alone, and are in no payload, no file and no log", async () => {
    const run = await daily();
    assert.equal(run.outcome, 'complete', JSON.stringify(run));
    assert.equal(hook.told.length, 2, 'the host that has it has used it');
    const history = path.dirname(temporal.database);
    const folders = ['state', 'repository', 'far-state', 'far-repository', 'vault'].map((name) => below(name));
    // The search finds what is there.
    assert.notDeepEqual(await filesWith(run.runId, [history]), []);
    assert.notDeepEqual(await filesWith(`"run": "${run.runId}"`, folders), []);
    assert.deepEqual(await filesWith(CANARY, [history, ...folders]), []);
    for (const worker of workers) assert.equal(worker.output().includes(CANARY), false);
  });

  it('P39 the other host cannot read them: it says which one it lacks, for a source that is its own now', async () => {
    await move('other', 'near');
    const run = await daily('other');
    await move('other', 'far');
    assert.equal(run.outcome, 'failed');
    assert.match(run.sources[0]?.errors[0]?.message ?? '', /FAR_HOOK/);
  });

  it('a backup of one host is restored on another by one flag', async () => {
    const to = below('restored');
    // Its repository has none, by whatever name: it comes from where there is one, and that is told.
    const all = z
      .looseObject({ backups: z.array(z.looseObject({ reference: z.string(), source: z.string() })) })
      .parse(json(await on('near', '--json', 'list')));
    const reference = all.backups.find(({ source }) => source === 'other')?.reference;
    assert.ok(reference);
    for (const [index, named] of [['latest', '--source', 'other'], [reference]].entries()) {
      const without = await on('near', 'restore', ...named, '--to', below(`from-anywhere-${index}`));
      assert.equal(without.code, 0, without.stderr);
      assert.match(without.stderr, /passed over: repository: There is no backup [^]*from vault: /);
    }
    const restored = await on('near', 'restore', 'latest', '--source', 'other', '--to', to, '--from', 'vault');
    assert.equal(restored.code, 0, restored.stderr);
    const found = await filesWith('of other', [to]);
    assert.deepEqual(
      found.map((name) => path.basename(name)),
      ['file'],
    );
  });

  it('doctor misses a secret file on the host that reads it, and on no other; the identity on a host that restores', async () => {
    const config: SiteInput = parse(await readFile(file, 'utf8'));
    const secret = below('secret-of-far');
    const { other } = config.sources;
    assert.ok(other);
    const sources = { ...config.sources, other: { ...other, hooks: { after: [{ webhook: { file: secret } }] } } };
    const identity = below('identity-that-is-elsewhere');
    const encryption = { ...config.encryption, identity: { file: identity } };
    const changed = below('changed.yaml');
    await writeFile(changed, stringify({ ...config, sources, encryption }));
    const missed = async (host: string) => {
      const printed = json(await mosaicHere(['-c', changed, '--host', host, '--json', 'doctor']));
      const { findings } = z.object({ findings: z.array(z.looseObject({ message: z.string() })) }).parse(printed);
      return [secret, identity].map((name) => findings.filter(({ message }) => message.includes(name)).length);
    };
    assert.deepEqual(await missed('near'), [0, 1]);
    assert.deepEqual(await missed('far'), [1, 1]);
  });

  it('a source that has moved is restored on its old host from there, or an older backup with a word of the newer', async () => {
    await move('mine', 'far');
    const { outcome, runId } = await daily('mine');
    assert.equal(outcome, 'complete');
    const [old, newest] = await Promise.all(
      [[], ['--from', 'vault']].map((from) =>
        on('near', 'restore', 'latest', '--source', 'mine', '--to', below('dry'), '--dry-run', ...from),
      ),
    );
    assert.match(
      old?.stderr ?? '',
      new RegExp(`newer, but not used: daily/mine/\\S+, which ${runId} made, is not here; it has copies at: vault`),
    );
    assert.deepEqual([newest?.code, /newer/.test(newest?.stderr ?? 'newer')], [0, false]);
  });

  function below(name: string): string {
    return path.join(folder, name);
  }

  function dataOf(source: string): string {
    return path.join(folder, 'data', source);
  }

  function on(host: string, ...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', file, '--host', host, ...args]);
  }

  async function daily(...sources: readonly string[]) {
    const which = sources.flatMap((source) => ['--source', source]);
    // From any host: the steps are done by the worker of each source's own.
    return report.parse(json(await on('far', '--json', 'run', 'daily', ...which)));
  }

  async function move(source: string, host: string): Promise<void> {
    const config: SiteInput = parse(await readFile(file, 'utf8'));
    const moved = config.sources[source];
    assert.ok(moved);
    await writeFile(file, stringify({ ...config, sources: { ...config.sources, [source]: { ...moved, host } } }));
  }
});
