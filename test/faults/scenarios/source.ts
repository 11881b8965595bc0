/** What is backed up, or the program that reads it, goes away; and what it refuses. */
import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processesOf } from '../../support/processes.ts';
import type { Lab } from '../lab.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireSound } from '../sound.ts';
import { SLOW, slowly, underWay, type SourceName } from '../trial.ts';

export const source: readonly Scenario[] = [
  {
    kind: 'files change',
    title: 'P38 while they are read: the run is partial and names them (stack)',
    sources: ['stack'],
    async play(trial) {
      await slowly(trial, 'stack', SLOW.stack);
      await trial.worker();
      const run = await trial.run();
      const stop = new AbortController();
      const writing = writeOn(trial.data, stop.signal);
      const report = await run.report();
      stop.abort();
      await writing;
      assert.equal(report.outcome, 'partial', JSON.stringify(report));
      const captured = report.sources[0]?.captured;
      assert.equal(captured?.partial, true);
      assert.match(captured.warnings.join('\n'), /(one|two|three)\.bin/);
      await slowly(trial, 'stack', undefined);
      await requireSound(trial, 1);
      return 'partial, said so; the next is complete';
    },
  },
  {
    kind: 'database stopped',
    title: 'P42 in the middle of its capture, and started again (db)',
    sources: ['db'],
    alone: 'db',
    everyTime: true,
    async play(trial) {
      const { postgres } = trial.lab;
      await slowly(trial, 'db', SLOW.db);
      await trial.worker();
      const run = await trial.run();
      await underWay(trial, 'db');
      await postgres.stop('immediate');
      await slowly(trial, 'db', undefined);
      try {
        const { message, remedy } = await run.failure('db');
        assert.match(message, /PostgreSQL at .* does not answer/);
        assert.match(remedy, /Start the server/);
      } finally {
        await postgres.start();
      }
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on by itself';
    },
  },
  {
    kind: 'refused',
    title: 'a wrong password; the right one while it is tried again (db)',
    sources: ['db'],
    everyTime: true,
    site: overTcp,
    async play(trial) {
      const { message, remedy, run } = await refusal(trial);
      assert.match(message, /refuses the password of role "mosaic_backup"/);
      assert.match(remedy, /connection\.password/);
      await trial.configure((config) => ({
        ...config,
        sources: { db: { type: 'postgres', connection: tcp(trial.lab, trial.lab.postgres.passwords.backup) } },
      }));
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on with the right one';
    },
  },
  {
    kind: 'refused',
    title: 'P12 a role without REPLICATION; granted while it is tried again (db)',
    sources: ['db'],
    alone: 'db',
    async play(trial) {
      const { postgres } = trial.lab;
      await postgres.sql('ALTER ROLE mosaic_backup NOREPLICATION');
      try {
        const { message, remedy, run } = await refusal(trial);
        assert.match(message, /role mosaic_backup may not take base backups/);
        assert.match(remedy, /ALTER ROLE "?mosaic_backup"? .*REPLICATION/);
        await postgres.sql('ALTER ROLE mosaic_backup REPLICATION');
        requireComplete(await run.report());
      } finally {
        await postgres.sql('ALTER ROLE mosaic_backup REPLICATION');
      }
      await requireSound(trial, 1);
      return 'said so; went on with it';
    },
  },
  ...(
    [
      ['db', 'pg_basebackup'],
      ['stack', 'tar'],
      ['stack', 'zstd'],
      ['db', 'age'],
    ] as const
  ).map(([name, program]) => programKilled(name, program)),
];

function programKilled(name: SourceName, program: string): Scenario {
  return {
    kind: 'program killed',
    title: `P42 ${program} in the middle of a capture (${name})`,
    sources: [name],
    async play(trial) {
      await slowly(trial, name, SLOW[name]);
      await trial.worker();
      const run = await trial.run();
      await underWay(trial, name);
      const killed = processesOf(trial.folder).filter((found) => path.basename(found.args[0] ?? '') === program);
      assert.ok(killed.length > 0, `${program} runs: ${JSON.stringify(processesOf(trial.folder))}`);
      for (const { pid } of killed) process.kill(pid, 'SIGKILL');
      const { message } = await run.failure(name);
      assert.match(message, new RegExp(program));
      await slowly(trial, name, undefined);
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on by itself';
    },
  };
}

async function refusal(trial: Parameters<Scenario['play']>[0]) {
  await trial.worker();
  const run = await trial.run();
  return { run, ...(await run.failure('db')) };
}

async function overTcp(lab: Lab) {
  const wrong = path.join(lab.folder, 'wrong.password');
  await writeFile(wrong, 'not this one\n', { mode: 0o600 });
  return { sources: { db: { type: 'postgres' as const, connection: tcp(lab, wrong) } } };
}

function tcp({ postgres }: Lab, password: string) {
  return {
    host: '127.0.0.1',
    port: postgres.port,
    password: { file: password },
    sslmode: 'verify-full' as const,
    sslrootcert: postgres.certificate,
  };
}

/** Appends to every file of a folder, until it is told to stop. */
async function writeOn(folder: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const name of ['one.bin', 'two.bin', 'config/three.bin']) await appendFile(path.join(folder, name), 'more');
    await pause(20);
  }
}
