/**
 * Whether a file there is what it should be, where nothing but rsync can be asked. rsync there reads the whole file and
 * tells its MD5; of the local file MD5 and SHA-256 are made in one pass. So nothing is fetched, and a damaged file is
 * noticed whatever its size and time. Against somebody who made two files of one MD5 it proves nothing: `read`
 * fetches the bytes and compares their SHA-256, and so does `verify --destination`.
 */
import { createHash } from 'node:crypto';
import { BackupError } from '../../../model/errors.ts';
import { digestOf } from '../../streams/digest.ts';
import { openFileStream } from '../../streams/blocks-of.ts';
import { ifThere, translated } from '../fs-errors.ts';
import type { Work } from '../../work.ts';
import { damagedFile, isEqual, missingFile } from '../damaged-file.ts';
import type { Link } from './link.ts';
import { sizeOf } from './list.ts';
import { rootOf, runRsync } from './program.ts';
import type { Upload } from './side.ts';

/**
 * MD5 of the local file, once it is known to be what is expected.
 * @throws BackupError `verification-failed`
 */
export async function localMd5(link: Link, { key, file, expected, work }: Upload): Promise<string> {
  const to = link.server.name;
  const hash = createHash('md5');
  const stream = await translated(file, `reading ${file}`, () => ifThere(openFileStream(file)));
  if (stream === undefined) throw missingFile(file, to);
  // Nothing is moved yet: it shows as activity.
  const reading: Work = {
    ...work,
    progress: (report) => work.progress({ ...report, bytes: 0, activity: report.bytes }),
  };
  const found = await digestOf(stream, reading, 'reading the local file', (block) => hash.update(block));
  if (!isEqual(found, expected)) throw damagedFile({ key, file, expected, found, to });
  return hash.digest('hex');
}

/** A checksum shows no sign of life: so many bytes in a millisecond it is given, besides the usual standstill. */
const SLOWEST = 1_000;

/** The MD5 that rsync there makes of a file; undefined when it has another size, or there is none. */
export async function md5There(link: Link, name: string, bytes: number, work: Work): Promise<string | undefined> {
  if ((await sizeOf(link, name)) !== bytes) return undefined;
  let told = '';
  await runRsync(link, 'transfers', {
    args: [
      '--dry-run',
      '--checksum',
      '--checksum-choice=md5',
      '--out-format=%C',
      '--files-from=-',
      '--from0',
      '--ignore-missing-args',
      rootOf(link),
      // Nothing is written, and nothing lies there that could be compared.
      '/var/empty/mosaic-backup/',
    ],
    names: [name],
    doing: `confirming ${name}`,
    work: { ...work, standstill: Math.max(work.standstill, bytes / SLOWEST) },
    onOutput: (chunk) => (told += chunk.toString('latin1')),
  });
  const md5 = told.split('\n').find((line) => /^[0-9a-f]{32}$/.test(line.trim()));
  if (md5 !== undefined) return md5.trim();
  throw new BackupError('failed', `rsync at ${link.server.name} tells no MD5 of ${name}.`, {
    remedy: `Install rsync 3.2 or newer on ${link.server.host}, or say confirm: read.`,
  });
}
