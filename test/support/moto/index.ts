/** Amazon's cold storage of a test's own: moto, with storage classes that must be thawed first, and vaults. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { listens } from '../../../infra/quickstart/sample/ports.ts';
import { temporaryFolder } from '../folders.ts';
import { freePort } from '../ports.ts';
import { until } from '../until.ts';

export interface Moto {
  /** `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  /** Who may do everything; moto asks nobody for more than a name. */
  readonly admin: S3;
  /** What was asked for stays in progress from now on. */
  hold(): Promise<void>;
  /** What was asked for is there, and what will be asked for as well. */
  release(): Promise<void>;
  /** What was asked for so far, once for each request. */
  asked(): Promise<readonly Asked[]>;
}

export interface Asked {
  /** `bucket/key`. */
  readonly object: string;
  /** Absent: the newest. */
  readonly version?: string;
}

/** What moto is told: it knows everybody. */
const ANYBODY = { accessKeyId: 'testing', secretAccessKey: 'testing' };

/** How moto calls the way of an object out of cold storage. */
const RESTORING = 's3::keyrestore';

const running = new Set<ChildProcess>();

/** Starts one; all that it knows is in its memory. What was asked for is held until `release`. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const said = path.join(await temporaryFolder(), 'requests');
  const server = path.join(import.meta.dirname, 'server.py');
  const args = ['--pdeathsig', 'KILL', '--', 'python3', server, '--host', '127.0.0.1', '--port', String(port)];
  const child = spawn('setpriv', args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], PYTHONPATH: await motoFolder(), PYTHONDONTWRITEBYTECODE: '1', TZ: 'UTC' },
  });
  running.add(child);
  child.stderr.pipe(createWriteStream(said));
  await until('moto listens', () => listens(port));

  async function transition(how: object): Promise<void> {
    const answer = await fetch(`${endpoint}/moto-api/state-manager/set-transition`, {
      method: 'POST',
      body: JSON.stringify({ model_name: RESTORING, transition: how }),
    });
    if (!answer.ok) throw new Error(`moto answered ${answer.status}`);
  }
  const hold = () => transition({ progression: 'manual', times: 1_000_000_000 });
  await hold();
  return {
    endpoint,
    admin: new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: ANYBODY }),
    hold,
    release: () => transition({ progression: 'immediate' }),
    async asked() {
      const lines = (await readFile(said, 'utf8')).split('\n');
      return lines.flatMap((line) => {
        const [, target] = /"POST (\S+) HTTP/.exec(line) ?? [];
        if (target === undefined) return [];
        const { pathname, searchParams } = new URL(target, endpoint);
        if (!searchParams.has('restore')) return [];
        const version = searchParams.get('versionId');
        return [{ object: decodeURIComponent(pathname.slice(1)), ...(version === null ? {} : { version }) }];
      });
    },
  };
}

/** Ends every one. Call it in `after`, before the folders are removed. */
export async function stopMoto(): Promise<void> {
  for (const child of running) {
    running.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** Where the set-up keeps its packages. */
export async function motoFolder(): Promise<string> {
  const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'mosaic-backup');
  const folder = path.join(cache, 'moto-5.2.5');
  await stat(folder).catch((error: unknown) => {
    throw new Error(`moto is not in ${folder}: run "sh infra/bootstrap/run.sh setup test"`, { cause: error });
  });
  return folder;
}
