/** Where the sample lives, and whether what is there can be used: a folder that an unprivileged server can reach. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { publish, writeNew } from '../../../activities/storage/durable.ts';
import { acquireLease, type Lease } from '../../../activities/storage/lease.ts';
import { isErrno } from '../../../activities/streams/errno.ts';
import { BackupError } from '../../../model/errors.ts';

/** Every path of the sample. */
export interface SamplePlace {
  readonly root: string;
  readonly config: string;
  readonly keys: string;
  /** The data folders of the private servers. */
  readonly postgres: string;
  readonly mariadb: string;
  readonly redis: string;
  /** The folder of their sockets and logs. */
  readonly runtime: string;
  readonly stack: string;
  readonly repository: string;
  readonly state: string;
  readonly vault: string;
  /** What the private S3 server keeps. */
  readonly bucket: string;
  /** What the private sshd keeps, and its config. */
  readonly offsite: string;
  readonly scratch: string;
}

/** Raised when a sample of an older version cannot serve any more: it is made anew. */
const VERSION = 2;
/** As the schema of `target` has it. */
const PLAIN = /^[A-Za-z0-9._+@,=/-]+$/;
const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
/** Written first: the folder is ours. Then `COMPLETE`, last: all of it was made. */
const OURS = '.mosaic-backup-sample';
const COMPLETE = 'complete.json';
/** Made by `acquireLease`. */
const LEASES = 'leases';

export function samplePlace(env: NodeJS.ProcessEnv = process.env): SamplePlace {
  const checkout = createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 8);
  const root = path.resolve(
    env['MOSAIC_SAMPLE'] || path.join('/var/tmp', `mosaic-backup-sample-${userInfo().uid}-${checkout}`),
  );
  const below = (name: string) => path.join(root, name);
  return {
    root,
    config: below('mosaic-backup.yaml'),
    keys: below('keys'),
    postgres: below('postgres'),
    mariadb: below('mariadb'),
    redis: below('redis'),
    runtime: below('run'),
    stack: below('stack'),
    repository: below('repository'),
    state: below('state'),
    vault: below('vault'),
    bucket: below('bucket'),
    offsite: below('offsite'),
    scratch: below('scratch'),
  };
}

/**
 * Makes the folder, or finds it as it was left, and takes hold of it until the lease is released.
 * @throws BackupError `refused` when the folder is somebody else's or holds something else, `busy` when another
 *   start uses it now.
 */
export async function claimPlace({ root }: SamplePlace, signal: AbortSignal): Promise<Lease> {
  if (!PLAIN.test(root))
    throw refused(root, 'a destination over rsync takes a path of letters, digits and ._+@,=- only');
  await mkdir(root, { recursive: true, mode: 0o755 });
  const { uid } = await stat(root);
  if (uid !== process.getuid?.()) {
    throw refused(root, `it belongs to another user (uid ${uid})`);
  }
  const entries = await readdir(root);
  if (entries.length > 0 && !entries.includes(OURS)) throw refused(root, 'it holds something else already');
  await writeFile(path.join(root, OURS), 'The sample stack of mosaic-backup. It may be deleted as a whole.\n');
  try {
    return await acquireLease({
      state: root,
      name: 'sample',
      step: `start-${process.pid}`,
      attempt: 1,
      wait: 0,
      signal,
    });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'busy') throw error;
    throw new BackupError('busy', `The sample in ${root} is in use by another "npm start".`, {
      remedy: 'End that one with ^C, or name another folder in MOSAIC_SAMPLE.',
      facts: error.facts,
      cause: error,
    });
  }
}

/** Empties the folder: what a killed set-up or an older version left is worth nothing. */
export async function clearPlace({ root }: SamplePlace): Promise<void> {
  await rm(path.join(root, COMPLETE), { force: true });
  for (const entry of await readdir(root)) {
    if (entry !== OURS && entry !== LEASES) await rm(path.join(root, entry), { recursive: true, force: true });
  }
}

/** Says, last of all, that everything of the sample was made. */
export async function markComplete({ root }: SamplePlace): Promise<void> {
  const file = path.join(root, COMPLETE);
  await rm(`${file}.new`, { force: true });
  await writeNew(`${file}.new`, Buffer.from(JSON.stringify({ version: VERSION })));
  await publish(`${file}.new`, file);
}

/** Whether a set-up of this version came to its end here. */
export async function isComplete({ root }: SamplePlace): Promise<boolean> {
  try {
    const found: unknown = JSON.parse(await readFile(path.join(root, COMPLETE), 'utf8'));
    return typeof found === 'object' && found !== null && 'version' in found && found.version === VERSION;
  } catch (error) {
    // Not there, or cut off: the set-up did not come to its end.
    if (error instanceof SyntaxError || isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

function refused(root: string, why: string): BackupError {
  return new BackupError('refused', `The sample cannot be made in ${root}: ${why}. Nothing was changed.`, {
    remedy: 'Name another folder in MOSAIC_SAMPLE: a new one, which other users may pass through.',
    facts: { folder: root },
  });
}
