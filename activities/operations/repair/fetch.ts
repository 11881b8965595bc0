/** A good artifact of one place as a file of this host: its own file, or one in scratch whose digest was right. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BackupError } from '../../../model/errors.ts';
import type { Artifact } from '../../../model/manifest.ts';
import { FILE_MODE } from '../../storage/durable.ts';
import { translated } from '../../storage/fs-errors.ts';
import { requireSpace } from '../../storage/space.ts';
import type { Work } from '../../work.ts';
import type { RepairPlace } from './types.ts';

/** @throws BackupError `verification-failed` when what came is not what the manifest names; `no-space` for scratch. */
export async function fetchArtifact(
  place: RepairPlace,
  folder: string,
  artifact: Artifact,
  scratch: string,
  work: Work,
): Promise<string> {
  const key = `${folder}/${artifact.name}`;
  // The put compares it with the manifest as it reads it.
  if (place.file) return place.file(key);
  await requireSpace({ path: scratch, needed: artifact.bytes });
  const file = path.join(scratch, path.posix.basename(artifact.name));
  const digest = createHash('sha256');
  let bytes = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digest.update(chunk);
      bytes += chunk.byteLength;
      work.progress({ phase: `fetching from ${place.name}`, bytes, total: artifact.bytes, activity: 0 });
      done(null, chunk);
    },
  });
  const from = await place.store.open(key);
  await translated(file, `fetching ${key}`, () =>
    pipeline(from, counting, createWriteStream(file, { flags: 'w', mode: FILE_MODE }), { signal: work.signal }),
  );
  if (bytes === artifact.bytes && digest.digest('hex') === artifact.sha256) return file;
  throw new BackupError(
    'verification-failed',
    `${place.name} gave other bytes for ${key} than it had when it was looked at.`,
    {
      remedy: 'Look at the health of that place, and name another one by --from.',
    },
  );
}
