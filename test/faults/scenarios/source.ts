/** What is backed up, or the program that reads it, goes away; and what it refuses. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { SiteInput } from '../../../model/config/site.ts';
import { processesOf } from '../../support/processes.ts';
import type { Lab } from '../lab.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireSound } from '../sound.ts';
import { SLOW, slowly, underWay, type SourceName, type Trial } from '../trial.ts';

type SourceInput = SiteInput['sources'][string];

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
  ...(['db', 'wiki', 'cache'] as const).map(databaseStopped),
  ...(['db', 'wiki', 'cache'] as const).map(wrongPassword),
  {
    kind: 'refused',
    title: 'P12 a role without REPLICATION; granted while it is tried again (db)',
    sources: ['db'],
    alone: 'databases',
    async play(trial) {
      const { postgres } = trial.lab;
      await postgres.sql('ALTER ROLE mosaic_backup NOREPLICATION');
      try {
        const { message, remedy, run } = await refusal(trial, 'db');
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
      ['wiki', 'mariadb-backup'],
      ['cache', 'redis-cli'],
    ] as const
  ).map(([name, program]) => programKilled(name, program)),
  programStopped('stack', 'tar', true),
  programStopped('db', 'pg_basebackup'),
  programStopped('wiki', 'mariadb-backup'),
];

/** What each says when it is away. */
const AWAY = {
  db: /PostgreSQL at .* does not answer/,
  wiki: /MariaDB at .* does not answer/,
  cache: /Redis at .* does not answer/,
} as const;
type Database = keyof typeof AWAY;

function databaseStopped(name: Database): Scenario {
  return {
    kind: 'database stopped',
    title: `P42 in the middle of its capture, and started again (${name})`,
    sources: [name],
    alone: 'databases',
    everyTime: name === 'db',
    async play(trial) {
      const server = serverOf(trial.lab, name);
      await slowly(trial, name, SLOW[name]);
      await trial.worker();
      const run = await trial.run();
      await underWay(trial, name);
      await server.stop();
      await slowly(trial, name, undefined);
      try {
        const { message, remedy } = await run.failure(name);
        assert.match(message, AWAY[name]);
        assert.match(remedy, /Start the server/);
      } finally {
        await server.start();
      }
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on by itself';
    },
  };
}

function serverOf({ postgres, mariadb, redis }: Lab, name: Database) {
  if (name === 'db') return { stop: () => postgres.stop('immediate'), start: () => postgres.start() };
  if (name === 'wiki') return { stop: () => mariadb.stop('immediate'), start: () => mariadb.start() };
  return { stop: () => redis.stop(), start: () => redis.start() };
}

/** What each says of a wrong password. */
const REFUSED = {
  db: /refuses the password of role "mosaic_backup"/,
  wiki: /does not let account mosaic_backup in/,
  cache: /does not let user "mosaic_backup" in/,
} as const;

function wrongPassword(name: Database): Scenario {
  return {
    kind: 'refused',
    title: `a wrong password; the right one while it is tried again (${name})`,
    sources: [name],
    everyTime: name === 'db',
    async play(trial) {
      const password = path.join(trial.folder, 'password');
      await writeFile(password, 'not this one\n', { mode: 0o600 });
      await trial.configure((config) => ({ ...config, sources: { [name]: withPassword(trial.lab, name, password) } }));
      const { message, remedy, run } = await refusal(trial, name);
      assert.match(message, REFUSED[name]);
      assert.match(remedy, /connection\.password/);
      await writeFile(password, await readFile(passwordOf(trial.lab, name)));
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on with the right one';
    },
  };
}

function passwordOf({ postgres, mariadb, redis }: Lab, name: Database): string {
  if (name === 'db') return postgres.passwords.backup;
  return name === 'wiki' ? mariadb.passwords.backup : redis.password;
}

function withPassword(lab: Lab, name: Database, file: string): SourceInput {
  const password = { file };
  if (name === 'db') return { type: 'postgres', connection: tcp(lab, file) };
  if (name === 'wiki') {
    const config = lab.mariadb.config();
    return { ...config, connection: { ...config.connection, password } };
  }
  const config = lab.redis.config();
  return { ...config, connection: { ...config.connection, password } };
}

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
      const killed = programs(trial, program);
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

/** It gives nothing any more, and does not end: a network share that hangs, a debugger, a disk that does not answer. */
function programStopped(name: SourceName, program: string, everyTime = false): Scenario {
  return {
    kind: 'program stands still',
    title: `P42 ${program} in the middle of a capture: the attempt is ended, and what it ran too (${name})`,
    sources: [name],
    everyTime,
    async play(trial) {
      await trial.configure((config) => ({
        ...config,
        plans: { ...config.plans, daily: { ...config.plans?.daily, standstill: '3s' } },
      }));
      await slowly(trial, name, SLOW[name]);
      await trial.worker();
      const run = await trial.run();
      await underWay(trial, name);
      const stopped = programs(trial, program);
      assert.ok(stopped.length > 0, `${program} runs: ${JSON.stringify(processesOf(trial.folder))}`);
      for (const { pid } of stopped) process.kill(pid, 'SIGSTOP');
      await slowly(trial, name, undefined);
      const { message, remedy } = await run.failure(name);
      assert.match(message, /3 s/);
      assert.ok(remedy);
      requireComplete(await run.report());
      const pids = new Set(stopped.map(({ pid }) => pid));
      assert.deepEqual(
        programs(trial, program).filter(({ pid }) => pids.has(pid)),
        [],
        'a stopped process takes no SIGTERM',
      );
      await requireSound(trial, 1);
      return 'was ended and said so; went on by itself';
    },
  };
}

function programs({ folder }: Trial, name: string) {
  return processesOf(folder).filter((found) => path.basename(found.args[0] ?? '') === name);
}

async function refusal(trial: Trial, name: Database) {
  await trial.worker();
  const run = await trial.run();
  return { run, ...(await run.failure(name)) };
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
