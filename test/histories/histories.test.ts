/**
 * Workers are upgraded while runs go on: what a workflow did before it does again, by the code of now, from its history. So that no
 * change breaks that unseen, histories of every workflow are kept here and replayed. CONTRIBUTING.md says how to change a workflow.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as workflows from '../../workflows/index.ts';
import { startRun } from '../../client/runs/start.ts';
import { ensureSearchAttributes } from '../../client/temporal/namespace.ts';
import { workflowBundle } from '../../workers/bundle.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { makeSite } from '../support/site.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';
import { startCommand, type CommandProcess } from '../support/worker-process.ts';
import { bundleOf, changedVersion } from './changed.ts';
import { INCOMPATIBLE, PATCHED } from './changed-workflows.ts';
import { textOf } from './plain.ts';
import { recordedHistories, type Recorded } from './recorded.ts';
import { broken } from './replay.ts';

const REMEDY = 'see "Changing a workflow" in CONTRIBUTING.md';

describe('histories of workflows', function () {
  this.timeout(180_000);
  let folder: string;
  let recorded: readonly Recorded[];

  before(async () => {
    folder = await temporaryFolder();
    recorded = await recordedHistories();
  });
  after(cleanUp);

  it('are replayed by the workflows of now, each without a difference', async () => {
    const found = await broken(await workflowBundle());
    assert.deepEqual(found, [], `a run of before would not go on with this version: ${REMEDY}`);
  });

  it('are there for every workflow type that a worker offers, and for none that it does not', () => {
    const types = new Set(recorded.map(({ type }) => type));
    assert.deepEqual([...types].toSorted(), Object.keys(workflows).toSorted(), REMEDY);
  });

  it('hold nothing of the machine that they were recorded on, and no secret', () => {
    for (const { name, history } of recorded) {
      const text = textOf(history.events);
      assert.ok(text.includes('prod'), `${name}: its payloads are read`);
      assert.doesNotMatch(text, /mosaic-test-|\/(home|root|work|tmp|dev\/shm)\/|AGE-SECRET-KEY|PRIVATE KEY/, name);
    }
  });

  it('tell that one more activity breaks runs that go on', async () => {
    const copy = path.join(folder, 'incompatible');
    await changedVersion(copy, INCOMPATIBLE);
    const found = await broken(await bundleOf(copy));
    const names = found.map(({ name }) => name);
    assert.ok(names.includes('backupSource.retried'), names.join());
    assert.ok(
      names.every((name) => name.startsWith('backupSource.')),
      names.join(),
    );
    assert.match(found[0]?.why ?? '', /Nondeterminism/i);
  });

  describe('the same behind patched()', () => {
    let copy: string;
    let bundle: string;
    let temporal: TemporalProcess;
    const started: CommandProcess[] = [];

    before(async () => {
      copy = path.join(folder, 'next');
      await changedVersion(copy, PATCHED);
      bundle = await bundleOf(copy);
      temporal = await startTemporal(folder);
      await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    });
    after(async () => {
      await Promise.all(started.filter((worker) => worker.running()).map((worker) => worker.end()));
      await temporal?.stop();
    });

    it('breaks none', async () => {
      assert.deepEqual(await broken(bundle), []);
    });

    it('a worker is upgraded in the middle of a run: the run goes on as it began, and what begins later does it the new way', async () => {
      for (const source of ['first', 'second']) await fill(path.join(folder, 'data', source));
      const files = (name: string) => ({ type: 'files' as const, paths: [path.join(folder, 'data', name)] });
      const { file } = await makeSite({
        folder,
        sources: {
          first: { ...files('first'), limits: { maxRate: '300kB' } },
          second: { ...files('second'), after: ['first'] },
        },
        plans: { daily: { retryFirst: '100ms', retryMax: '500ms', heartbeat: '2s' } },
        temporal: { address: temporal.address },
      });
      const run = await startRun(temporal.client(), { site: 'test', plan: 'daily', scheduled: '2026-11-23T02:00:00Z' });
      const old = await worker(file);
      await until('the capture is at work', async () => (await doneBy(`${run.workflowId}/first`)).includes('capture'));
      await old.end();
      await worker(file, path.join(copy, 'client/cli/main.ts'));
      const report = await run.result();
      assert.equal(report.outcome, 'complete', JSON.stringify(report));
      assert.deepEqual(await patchesOf(`${run.workflowId}/first`), []);
      assert.deepEqual(await patchesOf(`${run.workflowId}/second`), ['one-step-more']);
    });

    async function worker(file: string, main?: string): Promise<CommandProcess> {
      const made = startCommand({ args: ['-c', file, 'worker'], owner: folder, ...(main ? { main } : {}) });
      started.push(made);
      await made.printed('serves');
      return made;
    }

    /** Activities that were begun. */
    async function doneBy(id: string): Promise<readonly string[]> {
      const found = await temporal
        .client()
        .workflow.getHandle(id)
        .describe()
        .catch(() => undefined);
      return (found?.raw.pendingActivities ?? []).flatMap(({ activityType, lastStartedTime }) =>
        lastStartedTime ? [activityType?.name ?? ''] : [],
      );
    }

    async function patchesOf(id: string): Promise<readonly string[]> {
      const { events } = await temporal.client().workflow.getHandle(id).fetchHistory();
      return (events ?? []).flatMap(({ markerRecordedEventAttributes: marker }) => {
        const data = marker?.details?.['patch-data']?.payloads?.[0]?.data;
        return data ? [idOf(JSON.parse(Buffer.from(data).toString()))] : [];
      });
    }
  });
});

function idOf(data: unknown): string {
  return typeof data === 'object' && data !== null && 'id' in data ? String(data.id) : '';
}

async function fill(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let piece = 0; piece < 20; piece++)
    await writeFile(path.join(folder, `file-${piece}`), crypto.getRandomValues(new Uint8Array(65_536)));
}
