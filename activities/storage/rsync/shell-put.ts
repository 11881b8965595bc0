/** A copy to a server with a shell: sent under a hidden name, read there and compared, and only then renamed. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { digestFile } from '../../streams/digest.ts';
import { damagedFile, isEqual } from '../damaged-file.ts';
import type { Stored } from '../types.ts';
import { ownError } from './errors.ts';
import { abandon, keepsPart } from './leftovers.ts';
import type { Link } from './link.ts';
import { INCOMING, PARTIAL } from './program.ts';
import { quote } from './quote.ts';
import { runScript } from './script.ts';
import { SETTLE, settled } from './settle.ts';
import { digestThere } from './shell-read.ts';
import type { Upload } from './side.ts';
import { push } from './transfer.ts';

/** Days after which what nobody has gone on with is removed. */
const STALE = 14;

export async function putByShell(link: Link, upload: Upload): Promise<void> {
  const { key, file, expected, maxRate, work, stage } = upload;
  const to = link.server.name;
  const confirming = `confirming at ${to}`;
  const there = await digestThere(link, { name: key, work, phase: confirming, bytes: expected.bytes });
  if (there !== undefined && isEqual(there, expected)) return;
  const name = hiddenName(key, expected);
  try {
    await push(link, {
      stage,
      file,
      to: name,
      bytes: expected.bytes,
      maxRate,
      how: 'large',
      doing: `copying ${key}`,
      phase: `copying to ${to}`,
      work,
    });
    const written = await digestThere(link, {
      name,
      work,
      phase: confirming,
      bytes: expected.bytes,
      moved: expected.bytes,
    });
    // Another process, which put the same object, was quicker, and has given it its name.
    if (written === undefined) return await requireThere(link, upload, confirming);
    if (!isEqual(written, expected)) throw await mismatch(link, upload, written);
    stopIfCancelled(work.signal);
    await publish(link, name, key);
  } catch (error) {
    if (!keepsPart(error)) await abandon(work, to, () => removeHidden(link, name));
    throw error;
  }
}

/** The same for every attempt to put one thing, so that the next goes on where this one was cut off. */
function hiddenName(key: string, { sha256 }: Stored): string {
  const digest = createHash('sha256').update(`${key}\0${sha256}`).digest('hex').slice(0, 24);
  return `${INCOMING}/${path.posix.basename(key).slice(0, 100)}-${digest}`;
}

async function publish(link: Link, name: string, key: string): Promise<void> {
  const script = `${SETTLE}
mkdir -p -- ${quote(path.posix.dirname(key))}
mv -f -- ${quote(name)} ${quote(key)}
${settled(key)}
find ${INCOMING} -type f -ctime +${STALE} -exec rm -f {} + 2>/dev/null || :`;
  await runScript(link, script, { doing: `naming ${key}` });
}

async function requireThere(link: Link, { key, expected, work }: Upload, phase: string): Promise<void> {
  const found = await digestThere(link, { name: key, work, phase });
  if (found !== undefined && isEqual(found, expected)) return;
  throw ownError(
    link.server,
    'failed',
    `copying ${key}`,
    'what was sent has gone',
    'See who else writes to that folder; the step is tried again.',
  );
}

/** rsync there ends by itself when the link does, and moves what it has to the part: its own temporary file shows that it is at it. */
async function removeHidden(link: Link, name: string): Promise<void> {
  const [folder, base] = [path.posix.dirname(name), path.posix.basename(name)];
  const script = `cd -- ${quote(folder)} 2>/dev/null || exit 0
n=0
while [ $n -lt 100 ] && ls -d .${quote(base)}.?????? >/dev/null 2>&1; do n=$((n + 1)); sleep 0.1 2>/dev/null || sleep 1; done
rm -f -- ${quote(base)} ${PARTIAL}/${quote(base)}
rmdir -- ${PARTIAL} 2>/dev/null || :`;
  await runScript(link, script, { doing: 'removing what was begun' });
}

/** Which side is wrong: the file that was sent, or what came of it there. */
async function mismatch(link: Link, { key, file, expected, work }: Upload, written: Stored): Promise<BackupError> {
  const to = link.server.name;
  const found = await digestFile(file, work, 'reading the local file again');
  if (!isEqual(found, expected)) return damagedFile({ key, file, expected, found, to });
  return new BackupError('failed', `${to} reads other bytes than were sent to it for ${key}.`, {
    remedy: `Look at the disk of ${link.server.host} (dmesg, smartctl -a) and at its memory; the step is tried again.`,
    facts: { key, file, expectedSha256: expected.sha256, foundBytes: written.bytes, foundSha256: written.sha256 },
  });
}
