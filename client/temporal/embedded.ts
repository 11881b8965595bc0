/** The embedded Temporal: one process with its data in a file and its Web UI, which dies with its owner. */
import { Connection } from '@temporalio/client';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from '../../activities/site.ts';
import { ifThere } from '../../activities/storage/fs-errors.ts';
import { thisHolder } from '../../activities/storage/holder.ts';
import { acquireLease, type Lease } from '../../activities/storage/lease.ts';
import type { Logger } from '../../activities/work.ts';
import { BackupError } from '../../model/errors.ts';
import { CHANNEL } from './channel.ts';
import { damageOf } from './damaged-database.ts';
import type { Endpoint } from './endpoint.ts';
import { readEmbedded, removeEmbedded, writeEmbedded } from './embedded-record.ts';
import { prepareNamespace } from './namespace.ts';
import { freePort, HOST } from '../../workers/loopback.ts';
import { listensOn } from './ports.ts';
import { temporalProgram } from './program.ts';
import { serverWords } from './server-words.ts';

export interface EmbeddedTemporal extends Endpoint {
  readonly ui: string;
  /** Rejects when the server ends by itself. */
  readonly ended: Promise<never>;
  stop(): Promise<void>;
}

const NAMESPACE = 'default';
const START_TIMEOUT = 30_000;

/**
 * Starts the embedded server and waits until it serves. Its database is expendable: one that it cannot read is
 * moved aside and a new one is begun.
 * @throws BackupError `busy` when another process of this machine owns one for the same state folder.
 */
export async function startEmbedded(site: Site, log: Logger): Promise<EmbeddedTemporal> {
  const lease = await ownLease(site);
  try {
    const server = await startOn(site, log);
    return {
      ...server,
      stop: async () => {
        await server.stop();
        await lease.release();
      },
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** One server at a time on one file: two that start at once would each take the other's lock for damage. */
async function ownLease({ state }: Site): Promise<Lease> {
  // No source can bear this name.
  const name = '.temporal';
  const request = { state, name, step: `process ${process.pid}`, attempt: 1, wait: 0 };
  try {
    return await acquireLease({ ...request, signal: new AbortController().signal });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'busy') throw error;
    const other = await readEmbedded(state);
    throw new BackupError(
      'busy',
      `an embedded Temporal already runs for this site (process ${String(error.facts['pid'])}${other ? `, ${other.address}` : ''})`,
      {
        remedy: 'Use the running one: "mosaic-backup run daily" finds it by itself.',
        cause: error,
      },
    );
  }
}

async function startOn(site: Site, log: Logger): Promise<EmbeddedTemporal> {
  const folder = path.join(site.state, 'temporal');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const database = path.join(folder, 'temporal.db');
  try {
    const damage = await damageOf(database);
    if (damage !== null) throw new UnreadableDatabase(damage);
    return await launch(site, folder, database);
  } catch (error) {
    if (!(error instanceof UnreadableDatabase)) throw error;
    const aside = `${database}.unreadable-${Date.now()}`;
    // With its journal, which would be replayed into the new one; of an older version of ours it has another name.
    for (const suffix of ['', '-wal', '-shm', '-journal']) await ifThere(rename(database + suffix, aside + suffix));
    log.warn(
      { database, aside },
      'Temporal could not read its database: it was moved aside and a new one begun. Backups are not touched by this',
    );
    return launch(site, folder, database);
  }
}

class UnreadableDatabase extends Error {}
class PortTaken extends Error {}

/** Starts the server; on other ports where somebody was faster to take the chosen ones. */
async function launch(site: Site, folder: string, database: string): Promise<EmbeddedTemporal> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await launchOnce(site, folder, database);
    } catch (error) {
      if (!(error instanceof PortTaken)) throw error;
      if (tries === 5) throw new BackupError('unreachable', error.message, { remedy: 'Set temporal.embedded.port.' });
    }
  }
}

async function launchOnce(site: Site, folder: string, database: string): Promise<EmbeddedTemporal> {
  const { embedded } = site.config.temporal;
  const [program, port, uiPort] = await Promise.all([
    temporalProgram(),
    freePort(embedded.port),
    freePort(embedded.uiPort),
  ]);
  const logFile = path.join(folder, 'server.log');
  const output = await open(logFile, 'w', 0o600);
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', program, ...serverWords({ database, port, uiPort })],
    // Its own process group: a ^C on the terminal is for us, and we end the server when the worker has ended.
    { stdio: ['ignore', output.fd, output.fd], detached: true },
  );
  await output.close();
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit status ${code}`));
  });
  const address = `${HOST}:${port}`;
  try {
    await serving({ address, isOurs: async () => listensOn(child.pid ?? 0, port), exited, logFile });
  } catch (error) {
    await end(child, exited);
    throw error;
  }
  const ui = `http://${HOST}:${uiPort}`;
  await writeEmbedded(site.state, { address, namespace: NAMESPACE, ui, owner: thisHolder() });
  let stopping = false;
  const ended = exited.then((how) => {
    if (stopping) return new Promise<never>(() => {});
    throw new BackupError('unreachable', `the embedded Temporal ended: ${how}`, {
      remedy: `Its log is ${logFile}. Start again: runs go on where they stopped.`,
    });
  });
  // Until somebody waits for it, its end is no unhandled failure.
  ended.catch(() => undefined);
  return {
    connection: { address },
    namespace: NAMESPACE,
    ui,
    ended,
    stop: async () => {
      stopping = true;
      await end(child, exited);
      await removeEmbedded(site.state);
    },
  };
}

interface Starting {
  readonly address: string;
  /** Whether it is our server that has the address. */
  readonly isOurs: () => Promise<boolean>;
  readonly exited: Promise<string>;
  readonly logFile: string;
}

/** Waits until the server answers and its namespace is prepared. */
async function serving({ address, isOurs, exited, logFile }: Starting): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT;
  const gone = exited.then((how) => ({ how }));
  for (;;) {
    const result = await Promise.race([gone, isOurs().then((ours) => (ours ? attempt(address) : undefined))]);
    if (result === 'serving') return;
    if (typeof result === 'object' && 'how' in result) {
      const log = await readFile(logFile, 'utf8');
      if (/address already in use/i.test(log)) throw new PortTaken('no free port was found for the embedded Temporal');
      if (
        /sqlite|database|malformed|schema/i.test(log) &&
        !/database is locked|disk is full|readonly database/i.test(log)
      ) {
        throw new UnreadableDatabase(log);
      }
      throw new BackupError(
        'unreachable',
        `the embedded Temporal did not start (${result.how}): ${log.trim().split('\n').at(-1) ?? ''}`,
        {
          remedy: `Its log is ${logFile}.`,
        },
      );
    }
    if (Date.now() > deadline) {
      throw new BackupError('unreachable', `the embedded Temporal did not serve within ${START_TIMEOUT / 1000} s`, {
        remedy: `Its log is ${logFile}.`,
        cause: result,
      });
    }
    await pause(100);
  }
}

async function attempt(address: string): Promise<'serving' | Error> {
  try {
    const connection = await Connection.connect({ address, channelArgs: CHANNEL, connectTimeout: 2000 });
    try {
      await prepareNamespace(connection, NAMESPACE);
      return 'serving';
    } finally {
      await connection.close();
    }
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function end(child: ChildProcess, exited: Promise<string>): Promise<void> {
  if (child.pid === undefined) return;
  child.kill('SIGTERM');
  const slow = new AbortController();
  await Promise.race([exited, pause(5000, undefined, { signal: slow.signal }).then(() => child.kill('SIGKILL'))]);
  slow.abort();
  await exited;
}
