/**
 * A copy to a server that lets in rsync alone, and may allow neither deleting nor overwriting. Each attempt writes to a
 * hidden folder of its own, `.incoming/<id>/<n>/<key>`, on top of what the longest one before it has left there
 * (`--copy-dest`), so nothing is sent twice. Once it is confirmed, rsync there makes a link of it (`--link-dest`): the
 * only rename that rsync has.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { isEqual } from '../damaged-file.ts';
import type { ListedObject } from '../types.ts';
import { ownError } from './errors.ts';
import { abandon, keepsPart } from './leftovers.ts';
import type { Link } from './link.ts';
import { hiddenBelow, sizeOf } from './list.ts';
import { INCOMING } from './program.ts';
import { localMd5, md5There } from './rsync-confirm.ts';
import { digestHere } from './rsync-read.ts';
import { mayRemove, removeThere } from './rsync-remove.ts';
import type { RsyncSideOptions, Upload } from './side.ts';
import { push } from './transfer.ts';

interface Copy extends Upload {
  readonly link: Link;
  /** The hidden folder of this object. */
  readonly hidden: string;
  /** Whether a file there is the one that is expected. */
  readonly isThere: (name: string) => Promise<boolean>;
}

export async function putByRsync(link: Link, { state, confirm }: RsyncSideOptions, upload: Upload): Promise<void> {
  const { key, expected, work, stage } = upload;
  const phase = `confirming at ${link.server.name}`;
  const md5 = await localMd5(link, upload);
  async function isThere(name: string): Promise<boolean> {
    work.progress({ phase, bytes: name === key ? 0 : expected.bytes, total: expected.bytes, activity: 0 });
    if (confirm === 'checksum') return (await md5There(link, name, expected.bytes, work)) === md5;
    const found = await digestHere(link, state, { name, work, phase, bytes: expected.bytes });
    return found !== undefined && isEqual(found, expected);
  }
  if (await isThere(key)) return;
  const copy = { ...upload, link, isThere, hidden: hiddenFolder(upload) };
  try {
    await send(copy);
  } catch (error) {
    if (!keepsPart(error)) await abandon(work, link.server.name, () => removeBegun(copy));
    throw error;
  }
  if (await mayRemove(link, stage)) await removeThere(link, [copy.hidden], stage, `tidying up behind ${key}`);
}

/** The same for every attempt to put one thing. */
function hiddenFolder({ key, expected }: Upload): string {
  const digest = createHash('sha256').update(`${key}\0${expected.sha256}`).digest('hex').slice(0, 24);
  const base = path.posix
    .basename(key)
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 80);
  return `${INCOMING}/${base}-${digest}`;
}

async function send(copy: Copy): Promise<void> {
  const { link, key, work, hidden, isThere } = copy;
  const attempts = attemptsIn(copy, await hiddenBelow(link, hidden));
  const whole = attempts.findLast(({ bytes }) => bytes === copy.expected.bytes);
  if (whole && (await isThere(whole.name))) return name(copy, whole.folder);
  const longest = attempts.toSorted((a, b) => a.bytes - b.bytes).at(-1);
  const folder = `${hidden}/${(attempts.at(-1)?.number ?? 0) + 1}`;
  await transfer(copy, folder, longest?.folder);
  if (!(await isThere(`${folder}/${key}`))) {
    // Another process, which put the same object, was quicker.
    if (await isThere(key)) return;
    throw otherBytes(copy);
  }
  stopIfCancelled(work.signal);
  await name(copy, folder);
}

interface Attempt {
  readonly number: number;
  readonly folder: string;
  readonly name: string;
  readonly bytes: number;
}

/** What earlier attempts have left, the oldest first. */
function attemptsIn({ hidden, key }: Copy, objects: readonly ListedObject[]): readonly Attempt[] {
  const found = objects.flatMap(({ key: name, bytes }): Attempt[] => {
    const number = Number(name.slice(hidden.length + 1).split('/')[0]);
    const folder = `${hidden}/${number}`;
    return Number.isInteger(number) && name === `${folder}/${key}` ? [{ number, folder, name, bytes }] : [];
  });
  return found.toSorted((a, b) => a.number - b.number);
}

function transfer(copy: Copy, into: string, onTopOf: string | undefined): Promise<void> {
  const { link, maxRate, stage, file, expected, key, work } = copy;
  const phase = `copying to ${link.server.name}`;
  const how = { attempt: into, onTopOf };
  return push(link, {
    stage,
    file,
    to: key,
    bytes: expected.bytes,
    maxRate,
    how,
    doing: `copying ${key}`,
    phase,
    work,
  });
}

/** Gives what is confirmed its name. What is there by that name is damaged: it goes just before, or is written over. */
async function name(copy: Copy, folder: string): Promise<void> {
  const { link, key, stage, file, expected, work, isThere } = copy;
  const before = await sizeOf(link, key);
  const free = before === undefined || (await mayRemove(link, stage));
  if (before !== undefined && free) await removeThere(link, [key], stage, `replacing ${key}`);
  const how = free ? { linkFrom: folder } : 'small';
  await push(link, { stage, file, to: key, bytes: expected.bytes, how, doing: `naming ${key}`, phase: 'naming', work });
  // rsync there ends with 0 when it ignores a file that exists: only what is there afterwards tells.
  if (free ? (await sizeOf(link, key)) === expected.bytes : await isThere(key)) return;
  throw free ? otherBytes(copy) : notReplaced(link, key);
}

/** Milliseconds between two looks, and how many of them. */
const [PAUSE, LOOKS] = [100, 50];

/** Deletes what was begun, where that is allowed. rsync there ends when the link does: its temporary file shows that it has not yet. */
async function removeBegun({ link, hidden, key, stage }: Copy): Promise<void> {
  if (!(await mayRemove(link, stage))) return;
  const temporary = `/.${path.posix.basename(key)}.`;
  for (let look = 0; look < LOOKS; look += 1) {
    if (!(await hiddenBelow(link, hidden)).some((object) => object.key.includes(temporary))) break;
    await sleep(PAUSE);
  }
  await removeThere(link, [hidden], stage, 'removing what was begun');
}

export function notReplaced(link: Link, key: string) {
  // From here the folder is seen as rrsync shows it: where it lies, its own machine alone knows.
  const there = path.posix.join('/', link.server.root, key);
  return ownError(
    link.server,
    'conflict',
    `writing ${key}`,
    'another object of that name is there, and the server lets nothing be overwritten',
    `See on HOST what it is. If it is damaged, delete it there (rm FOLDER${there}, where FOLDER is the one that its authorized_keys names); the step then makes it up.`,
  );
}

function otherBytes({ link, key }: Copy) {
  return ownError(
    link.server,
    'failed',
    `copying ${key}`,
    'it reads other bytes there than were sent',
    'Look at the disk of HOST (dmesg, smartctl -a) and at its memory; the step is tried again.',
  );
}
