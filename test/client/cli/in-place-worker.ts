import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { ensureSearchAttributes } from '../../../client/temporal/namespace.ts';
import { capture, ship, SOURCE } from '../../activities/sources/postgres/backups.ts';
import { mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../../support/managed-postgres.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import { atPoint, startCommand, type CommandProcess, type SignalPoint } from '../../support/worker-process.ts';

const shown = z.looseObject({
  steps: z.array(z.looseObject({ id: z.string(), state: z.string(), attempts: z.number() })),
});

/** A server, its backup of one row, a Temporal, and a worker: restores in place are given as an operator gives them. */
export interface InPlaceByWorker {
  readonly temporal: () => TemporalProcess;
  /** Of the data, and of what comes beside them. */
  readonly folder: () => string;
  readonly restore: (...args: readonly string[]) => Promise<Ended>;
  /** The command in a process of its own, to be cut off. */
  readonly startRestore: () => CommandProcess;
  readonly undo: () => Promise<Ended>;
  /** Cancels the one that goes on, as somebody else does, while no worker is there to hear it. */
  readonly cancelling: () => Promise<CommandProcess>;
  /** Ends the worker that runs, and starts another. */
  readonly worker: (of?: { readonly point?: SignalPoint; readonly env?: Record<string, string> }) => Promise<void>;
  /** Starts another one beside it. @returns ends that. */
  readonly beside: () => Promise<() => Promise<void>>;
  /** Wakes a frozen one. */
  readonly wake: () => void;
  /** Ends it. */
  readonly stop: () => Promise<void>;
  /** Begins one whose worker comes to that point, and has come there. */
  readonly restoreUntil: (point: SignalPoint) => Promise<{ readonly restoring: Promise<Ended> }>;
  /** Waits until the worker has come to the point that it was started with. */
  readonly reached: () => Promise<void>;
  /** `[id, state, attempts]` of each. */
  readonly stepsOf: (ended: Pick<Ended, 'stderr'>) => Promise<readonly (readonly [string, string, number])[]>;
  readonly fulls: () => Promise<number>;
  /** @param left what stays beside the data. */
  readonly isRestored: (left?: readonly string[]) => Promise<void>;
  readonly isAsBefore: (left?: readonly string[]) => Promise<void>;
}

export function describeInPlaceByWorker(title: string, cases: (by: InPlaceByWorker) => void): void {
  describe(title, function () {
    this.timeout(180_000);
    let temporal: TemporalProcess;
    let folder: string;
    let server: ManagedPostgres;
    let made: TestSite;
    let point: SignalPoint | undefined;
    let points = 0;
    const started: CommandProcess[] = [];

    before(async () => {
      folder = await temporaryFolder();
      [server, temporal] = await Promise.all([startManaged({ folder }), startTemporal(await temporaryFolder())]);
      await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
      made = await makeSite({
        folder,
        sources: { [SOURCE]: server.config() },
        plans: { daily: { retryFirst: '100ms', heartbeat: '2s' } },
        temporal: { address: temporal.address },
      });
      await server.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
      await ship(made.site, '2026-11-23T01:55:00Z');
      await capture(made.site, '2026-11-23T02:00:00Z');
      await worker();
    });
    // What is restored each time has the one row, and not the other.
    beforeEach(() => server.sql('INSERT INTO t VALUES (2) ON CONFLICT DO NOTHING'));
    afterEach(async () => {
      for (const name of await beside()) await rm(path.join(folder, name), { recursive: true });
    });
    after(async () => {
      for (const one of started) if (one.running()) await one.end();
      await temporal?.stop();
      await server?.end();
      await cleanUp();
    });

    const wanted = ['restore', 'latest', '--source', SOURCE, '--in-place', '--confirm', 'test'] as const;

    function restore(...args: readonly string[]): Promise<Ended> {
      return mosaicHere(['-c', made.file, '--json', ...wanted, ...args]);
    }

    function startRestore(): CommandProcess {
      const own = startCommand({ args: ['-c', made.file, ...wanted], owner: folder });
      started.push(own);
      return own;
    }

    function undo(): Promise<Ended> {
      return mosaicHere(['-c', made.file, 'restore', '--undo', '--source', SOURCE]);
    }

    async function cancelling(): Promise<CommandProcess> {
      const query = "WorkflowType = 'restoreInPlace' AND ExecutionStatus = 'Running'";
      const ids: string[] = [];
      for await (const { workflowId } of temporal.client().workflow.list({ query })) ids.push(workflowId);
      const own = startCommand({ args: ['-c', made.file, 'runs', 'cancel', ids.join()], owner: folder });
      started.push(own);
      await own.printed('is to end');
      return own;
    }

    let near: CommandProcess | undefined;

    async function worker(of: Parameters<InPlaceByWorker['worker']>[0] = {}): Promise<void> {
      await stop();
      ({ point } = of);
      points += 1;
      const args = ['-c', made.file, 'worker'];
      near = startCommand({ args, owner: folder, ...of, ...(point && { reached: marker() }) });
      started.push(near);
      await near.printed('serves');
    }

    async function another(): Promise<() => Promise<void>> {
      const own = startCommand({ args: ['-c', made.file, 'worker'], owner: folder });
      started.push(own);
      await own.printed('serves');
      return () => own.end();
    }

    function marker(): string {
      return path.join(folder, `reached-${points}`);
    }

    async function stop(): Promise<void> {
      if (near?.running()) await near.end();
    }

    async function reached(): Promise<void> {
      assert.ok(near && point);
      await atPoint(near, point, marker());
    }

    async function restoreUntil(there: SignalPoint): Promise<{ readonly restoring: Promise<Ended> }> {
      await worker({ point: there });
      const restoring = restore();
      await reached();
      return { restoring };
    }

    async function stepsOf({ stderr }: Pick<Ended, 'stderr'>) {
      const id = /restored by the worker of \S+: (restore\/\S+)/.exec(stderr)?.[1] ?? '';
      const { stdout } = await mosaicHere(['-c', made.file, 'runs', 'show', id, '--json']);
      assert.notEqual(stdout, '', stderr);
      return shown.parse(JSON.parse(stdout)).steps.map((step) => [step.id, step.state, step.attempts] as const);
    }

    async function fulls(): Promise<number> {
      const names = await readdir(path.join(folder, 'repository/daily', SOURCE));
      return names.filter((name) => name.endsWith('-full')).length;
    }

    async function beside(): Promise<readonly string[]> {
      return (await readdir(folder)).filter((name) => /data\./.test(name));
    }

    async function holds(ids: readonly number[], left: readonly string[]): Promise<void> {
      assert.deepEqual(
        await server.sql('SELECT id FROM t ORDER BY id'),
        ids.map((id) => ({ id })),
      );
      assert.deepEqual(
        (await beside()).map((name) => name.replace(/-\d.*/, '')),
        left,
      );
    }

    cases({
      temporal: () => temporal,
      folder: () => folder,
      restore,
      startRestore,
      undo,
      cancelling,
      worker,
      beside: another,
      wake: () => near?.kill('SIGCONT'),
      stop,
      restoreUntil,
      reached,
      stepsOf,
      fulls,
      isRestored: (left = ['data.before']) => holds([1], left),
      isAsBefore: (left = []) => holds([1, 2], left),
    });
  });
}
