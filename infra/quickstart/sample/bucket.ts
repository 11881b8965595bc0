/** The sample's bucket: a private S3 server (versitygw) over a folder, on a port of this machine alone. */
import { randomBytes } from 'node:crypto';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ifThere } from '../../../activities/storage/fs-errors.ts';
import { BackupError } from '../../../model/errors.ts';
import type { SamplePlace } from './place.ts';
import { freePort } from './ports.ts';
import { startServer, type SampleRemote } from './remote.ts';

const BUCKET = 'backups';

export const bucket: SampleRemote = {
  destination: 'remote',
  engine: 'S3',
  async start(place) {
    const folder = path.join(place.bucket, 'buckets');
    const attributes = path.join(place.bucket, 'attributes');
    await Promise.all(
      [path.join(folder, BUCKET), attributes].map((each) => mkdir(each, { recursive: true, mode: 0o700 })),
    );
    const keys = await keysOf(place);
    const port = await freePort();
    const serves = ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', '--sidecar', attributes, folder];
    const stop = await startServer({
      engine: 'S3',
      command: [await program(), ...serves],
      env: { ROOT_ACCESS_KEY: keys.id.value, ROOT_SECRET_KEY: keys.secret.value },
      port,
      remedy: 'Start it by hand to see why: versitygw posix FOLDER. A MOSAIC_SAMPLE on another file system may help.',
    });
    return {
      config: {
        type: 's3',
        bucket: BUCKET,
        endpoint: `http://127.0.0.1:${port}`,
        credentials: { accessKeyId: { file: keys.id.file }, secretAccessKey: { file: keys.secret.file } },
        prune: true,
      },
      stop,
    };
  },
  servesFrom(words) {
    const [name = ''] = words;
    if (!path.basename(name).startsWith('versitygw')) return undefined;
    return words.findLast((word) => word !== '');
  },
};

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
