/** A Temporal server in a process of its own, with its data in a file: killed, started again, robbed of its data. */
import { Client, Connection } from '@temporalio/client';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CHANNEL } from '../../client/temporal/channel.ts';
import { temporalProgram } from '../../client/temporal/program.ts';
import { serverWords } from '../../client/temporal/server-words.ts';
import { cleanUp, temporaryFolder } from './folders.ts';
import { freePort } from './ports.ts';

export interface TemporalProcess {
  readonly address: string;
  /** File of its data. */
  readonly database: string;
  readonly logFile: string;
  /** A client of the server as it runs now. */
  client(): Client;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one. Everything lies in `folder`. */
export async function startTemporal(folder: string): Promise<TemporalProcess> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const database = path.join(folder, 'temporal.db');
  const logFile = path.join(folder, 'temporal.log');
  let child: ChildProcess | undefined;
  let client: Client | undefined;

  async function start(): Promise<void> {
    child = await launch(port, database, logFile);
    client = new Client({ connection: await serving(address, child, logFile) });
  }
  async function stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await client?.connection.close();
    client = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  await start();
  return {
    address,
    database,
    logFile,
    client() {
      if (client) return client;
      throw new Error('Temporal does not run');
    },
    kill: () => stop('SIGKILL'),
    start,
    stop: () => stop('SIGTERM'),
  };
}

/** One for the tests of a `describe`, from before the first to behind the last. */
export function temporalOfTests(): () => TemporalProcess {
  let temporal: TemporalProcess | undefined;
  before(async () => {
    temporal = await startTemporal(await temporaryFolder());
  });
  after(async () => {
    await temporal?.stop();
    await cleanUp();
  });
  return () => {
    if (temporal) return temporal;
    throw new Error('Temporal is started before the first test');
  };
}

/** Removes the data of a server that does not run. */
export async function loseData({ database }: TemporalProcess): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(database + suffix, { force: true });
}

async function launch(port: number, database: string, logFile: string): Promise<ChildProcess> {
  const log = await open(logFile, 'a');
  const words = serverWords({ database, port, uiPort: null });
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', await temporalProgram(), ...words], {
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  return child;
}

async function serving(address: string, child: ChildProcess, logFile: string): Promise<Connection> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, channelArgs: CHANNEL, connectTimeout: 1000 });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return connection;
    } catch (error) {
      if (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
        await pause(50);
        continue;
      }
      throw new Error(`Temporal does not serve: ${await readFile(logFile, 'utf8')}`, { cause: error });
    }
  }
}
