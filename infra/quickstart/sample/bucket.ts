/** The sample's bucket: a private S3 server (versitygw) over a folder, on a port of this machine alone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ifThere } from '../../../activities/storage/fs-errors.ts';
import { locate } from '../../../activities/streams/locate.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { BackupError } from '../../../model/errors.ts';
import type { SamplePlace } from './place.ts';
import { freePort, listens } from './ports.ts';

export interface SampleBucket {
  /** What the config says of it. */
  readonly destination: NonNullable<SiteInput['destinations']>[string];
  stop(): Promise<void>;
}

const BUCKET = 'backups';
/** Milliseconds. */
const STARTS_WITHIN = 20_000;
const ENDS_WITHIN = 5_000;
const POLL = 20;

/** How a server that a killed start has left behind is known. */
export const BUCKET_SERVER = {
  engine: 'S3',
  servesFrom(words: readonly string[]): string | undefined {
    const [program = ''] = words;
    if (!path.basename(program).startsWith('versitygw')) return undefined;
    return words.findLast((word) => word !== '');
  },
};

/** Starts the server, which ends with this process at the latest, and makes its bucket where there is none. */
export async function startBucket(place: SamplePlace): Promise<SampleBucket> {
  const folder = path.join(place.bucket, 'buckets');
  const attributes = path.join(place.bucket, 'attributes');
  await Promise.all(
    [path.join(folder, BUCKET), attributes].map((each) => mkdir(each, { recursive: true, mode: 0o700 })),
  );
  const keys = await keysOf(place);
  const port = await freePort();
  const server = spawn(
    locate('setpriv'),
    [
      '--pdeathsig',
      'KILL',
      '--',
      await program(),
      '--quiet',
      '--port',
      `127.0.0.1:${port}`,
      'posix',
      '--sidecar',
      attributes,
      folder,
    ],
    { stdio: 'ignore', env: { ROOT_ACCESS_KEY: keys.id.value, ROOT_SECRET_KEY: keys.secret.value } },
  );
  await answers(server, port);
  return {
    destination: {
      type: 's3',
      bucket: BUCKET,
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: { file: keys.id.file }, secretAccessKey: { file: keys.secret.file } },
      prune: true,
    },
    stop: () => end(server),
  };
}

/** Made once, and kept with the sample's other keys. */
async function keysOf({ keys }: SamplePlace) {
  const [id, secret] = await Promise.all(['s3-key-id', 's3-secret'].map((name) => keyIn(path.join(keys, name))));
  if (!id || !secret) throw new TypeError('as many keys as names');
  return { id, secret };
}

async function keyIn(file: string) {
  const there = await ifThere(readFile(file, 'utf8'));
  const value = there?.trim() || randomBytes(16).toString('hex');
  if (there?.trim() !== value) await writeFile(file, `${value}\n`, { mode: 0o600 });
  return { file, value };
}

/** As the set-up exports it. */
async function program(): Promise<string> {
  const file = process.env['VERSITYGW'] ?? '';
  if (file !== '' && (await ifThere(access(file).then(() => true)))) return file;
  throw new BackupError('missing-program', 'versitygw, the S3 server of the sample, is not there.', {
    remedy: 'Begin with `npm start`, which installs it, or name it in VERSITYGW.',
  });
}

async function answers(server: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + STARTS_WITHIN;
  while (!(await listens(port))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await end(server);
      throw new BackupError('failed', "The sample's S3 server does not start.", {
        remedy: 'Start it by hand to see why: versitygw posix FOLDER. A MOSAIC_SAMPLE on another file system may help.',
      });
    }
    await pause(POLL);
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const killing = setTimeout(() => server.kill('SIGKILL'), ENDS_WITHIN);
  await ended;
  clearTimeout(killing);
}
