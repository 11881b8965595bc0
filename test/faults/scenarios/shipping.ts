/**
 * The shipping of logs, interrupted: no transaction is lost, whatever dies. A full comes first; then rows are written,
 * a tick is broken, rows are written, a tick ends well: recovered to the end of the logs all rows are there.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { letGo } from '../../activities/sources/postgres/let-go.ts';
import { openProxy } from '../../support/proxy.ts';
import { until } from '../../support/until.ts';
import type { SignalPoint } from '../../support/worker-process.ts';
import { makeTable, recoveredRows, type Shipped, type Table } from '../recovered.ts';
import type { Scenario } from '../scenario.ts';
import { isTidy, requireComplete, requireNoProcess, requireTidy, requireWhole } from '../sound.ts';
import type { Trial } from '../trial.ts';

interface Point extends Pick<SignalPoint, 'at' | 'when'> {
  readonly name: string;
  readonly sources: readonly Shipped[];
  /** Only the first tick of all comes here. */
  readonly first?: boolean;
  readonly everyTime?: boolean;
}

const BOTH = ['db', 'wiki'] as const;
const WAL = 'activities/sources/postgres/logs';
const BINLOGS = 'activities/sources/mariadb';
const SEAL = 'activities/storage/repository.ts#sealBackup';

// prettier-ignore
const POINTS: readonly Point[] = [
  { name: 'the folder of a slot is made, the slot is not', at: `${WAL}/slot.ts#createSlot`, sources: ['db'], first: true },
  { name: 'the slot is made', at: `${WAL}/slot.ts#createSlot`, when: 'left', sources: ['db'], first: true },
  { name: 'a segment is closed on the server', at: `${WAL}/close-segment.ts#closeSegment`, when: 'left', sources: ['db'] },
  { name: 'logs are received, and let go of by the server', at: `${WAL}/receive.ts#receive`, when: 'left', sources: ['db'] },
  { name: 'logs are received', at: `${BINLOGS}/binlogs.ts#receive`, when: 'left', sources: ['wiki'] },
  { name: 'packed, and not sealed', at: SEAL, sources: BOTH, everyTime: true },
  { name: 'sealed, and what was received is still there', at: SEAL, when: 'left', sources: BOTH },
  { name: 'shipped, and no copy made', at: 'activities/operations/copy-logs.ts#copyLogs', sources: BOTH },
  { name: 'copied, and nobody knows', at: 'activities/operations/copy-logs.ts#copyLogs', when: 'left', sources: BOTH },
];

export const shipping: readonly Scenario[] = [
  ...POINTS.flatMap((point) => point.sources.map((source) => killedAt(point, source))),
  ...BOTH.map(serverStopped),
  ...BOTH.map(stateLost),
  ...BOTH.map(zombieTick),
];

function killedAt({ name, sources: _sources, first, everyTime, ...point }: Point, source: Shipped): Scenario {
  return {
    kind: 'shipping',
    title: `P51 the worker is killed: ${name} (${source})`,
    sources: [source],
    everyTime: everyTime === true && source === 'db',
    play: (trial) =>
      (first ? begun : shipped)(trial, source, async () => {
        if (source === 'db' && !first) await letGo(await trial.site(), trial.lab.postgres);
        const dying = await trial.worker(point);
        const run = await trial.tick(1);
        await trial.at(dying, point);
        await trial.worker();
        // Its second attempt did the work, or it ended before a worker was there again: it holds nothing up.
        assert.notEqual((await run.report()).outcome, null);
      }),
  };
}

function serverStopped(source: Shipped): Scenario {
  return {
    kind: 'shipping',
    title: `P51 the server crashes as its logs are received, and comes back (${source})`,
    sources: [source],
    alone: 'databases',
    play: (trial) =>
      shipped(trial, source, async () => {
        const at = source === 'db' ? `${WAL}/receive.ts#receive` : `${BINLOGS}/binlogs.ts#receive`;
        const point = { at, signal: 'SIGSTOP' } as const;
        const worker = await trial.worker(point);
        const run = await trial.tick(1);
        await trial.at(worker, point);
        const { postgres, mariadb } = trial.lab;
        const server = source === 'db' ? postgres : mariadb;
        await server.stop('immediate');
        worker.kill('SIGCONT');
        await run.report();
        await server.start();
      }),
  };
}

function stateLost(source: Shipped): Scenario {
  return {
    kind: 'shipping',
    title: `P51 what is received is lost with the state folder between two ticks (${source})`,
    sources: [source],
    play: (trial) =>
      shipped(trial, source, async () => {
        const worker = await trial.worker();
        requireComplete(await (await trial.tick(1)).report());
        await worker.end();
        await rm(path.join(trial.state, 'sources', source), { recursive: true });
        await trial.worker();
      }),
  };
}

function zombieTick(source: Shipped): Scenario {
  return {
    kind: 'shipping',
    title: `P49 a tick that is paused before its seal wakes after the next one (${source})`,
    sources: [source],
    async play(trial) {
      // Temporal takes its open connections for a living worker, and would give it the second attempt too.
      const link = await openProxy(trial.lab.temporal.address);
      try {
        return await shipped(trial, source, async () => {
          const point = { at: SEAL, signal: 'SIGSTOP' } as const;
          const zombie = await trial.worker(point, link.address);
          const run = await trial.tick(1);
          await trial.at(zombie, point);
          link.cut();
          await trial.worker();
          requireComplete(await run.report());
          requireComplete(await (await trial.tick(2)).report());
          link.mend();
          zombie.kill('SIGCONT');
          await until('the zombie to be done', () => isTidy(trial));
          await zombie.end();
        });
      } finally {
        await trial.end();
        await link.close();
      }
    },
  };
}

/** Rows that are written at a time. */
const ROWS = 50;
/** Numbers of ticks that no scenario uses itself. */
const [FIRST, LAST] = [0, 9];

/** Runs `breaks` between good ticks; a worker lives after it. Then every row is recovered, from both places. */
async function shipped(trial: Trial, source: Shipped, breaks: () => Promise<void>): Promise<string> {
  const table = await makeTable(trial, source);
  try {
    const worker = await trial.worker();
    requireComplete(await (await trial.tick(FIRST)).report());
    requireComplete(await (await trial.run()).report());
    await worker.end();
    await table.insert(ROWS);
    await breaks();
    await table.insert(ROWS);
    await lastTick(trial, source, table);
  } finally {
    await trial.end();
    await table.drop();
  }
  return 'every row is recovered, from both places';
}

/** The same where the very first tick is broken, and the full comes after it. */
async function begun(trial: Trial, source: Shipped, breaks: () => Promise<void>): Promise<string> {
  const table = await makeTable(trial, source);
  try {
    await breaks();
    requireComplete(await (await trial.tick(FIRST)).report());
    requireComplete(await (await trial.run()).report());
    await table.insert(2 * ROWS);
    await lastTick(trial, source, table);
  } finally {
    await trial.end();
    await table.drop();
  }
  return 'every row is recovered, from both places';
}

async function lastTick(trial: Trial, source: Shipped, { name }: Table): Promise<void> {
  const report = await (await trial.tick(LAST)).report();
  requireComplete(report);
  await requireWhole(trial);
  await requireTidy(trial);
  await requireNoProcess(trial);
  for (const place of ['repository', 'vault'] as const) {
    assert.equal(await recoveredRows(trial, { source, place, table: name }), 2 * ROWS, place);
  }
}
