/** Whether somebody has said that the recovery kit is stored elsewhere. Kept in state, and bound to the keys that it was about. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../../activities/site.ts';
import { FILE_MODE, FOLDER_MODE } from '../../activities/storage/durable.ts';
import { ifThere, translated } from '../../activities/storage/fs-errors.ts';
import { parseRecord } from '../../activities/storage/record.ts';
import { BackupError } from '../../model/errors.ts';

const SCHEMA = 'mosaic-backup/kit-confirmation@1';
const confirmation = z.looseObject({ schema: z.literal(SCHEMA), keys: z.string(), time: z.iso.datetime() });

/** When the kit of the site's present keys was confirmed; null when it was not, or when the keys have changed since. */
export async function kitConfirmation(site: Site): Promise<string | null> {
  const file = fileOf(site);
  const bytes = await translated(file, 'looking for the confirmation of the kit', () => ifThere(readFile(file)));
  if (bytes === undefined) return null;
  try {
    const { keys, time } = parseRecord(bytes, confirmation, 'confirmation of the recovery kit');
    return keys === keysDigest(site) ? time : null;
  } catch (error) {
    // A damaged record confirms nothing.
    if (error instanceof BackupError) return null;
    throw error;
  }
}

/** Records that the kit of the present keys is stored elsewhere. Returns the time. */
export async function confirmKit(site: Site): Promise<string> {
  const time = new Date().toISOString();
  const file = fileOf(site);
  await translated(file, 'recording the confirmation of the kit', async () => {
    await mkdir(path.dirname(file), { recursive: true, mode: FOLDER_MODE });
    await writeFile(file, `${JSON.stringify({ schema: SCHEMA, keys: keysDigest(site), time })}\n`, { mode: FILE_MODE });
  });
  return time;
}

function fileOf(site: Site): string {
  return path.join(site.state, 'kit-confirmed.json');
}

/** Other recipients or signing keys need another kit. */
function keysDigest({ config }: Site): string {
  const { trusted, revoked } = config.signing;
  const keys = [
    ...config.encryption.recipients.toSorted(),
    ...trusted.toSorted(),
    ...revoked.map(({ key }) => key).toSorted(),
  ];
  return createHash('sha256').update(keys.join('\n'), 'utf8').digest('hex');
}
