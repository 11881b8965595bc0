/**
 * Leases: a lock with a growing number, one folder a name in state. Each number is its own file, made by link(2)
 * of a fully written one, so that of two processes that want the same number one gets it. The highest number is the
 * lease; lower ones mean nothing any more, so a holder that slept through a takeover can free or keep nothing.
 */
import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import { formatDuration } from '../../model/units.ts';
import { makePath, syncFolder, writeNew } from './durable.ts';
import { errnoOf, ifThere, translated } from './fs-errors.ts';
import { holder as holderSchema, isAlive, thisHolder } from './holder.ts';

export interface Lease {
  /** Grows with every holder. */
  readonly number: number;
  /** @throws BackupError `lease-lost` when another has taken it over. */
  check(): Promise<void>;
  /** Frees it for the next; a lease that was taken over stays with its new holder. @throws BackupError where that cannot be noted. */
  release(): Promise<void>;
}

export interface LeaseRequest {
  /** The host's state folder. */
  readonly state: string;
  /** What is locked: a source; its logs have a lease of their own. */
  readonly name: string;
  /** The step that wants it, the same for all its attempts. */
  readonly step: string;
  /** Grows with each attempt of the step: a later one takes over from an earlier one, even when that still runs. */
  readonly attempt: number;
  /** Milliseconds to wait for another holder. */
  readonly wait: number;
  readonly signal: AbortSignal;
}

const record = holderSchema.extend({
  token: z.string(),
  step: z.string(),
  attempt: z.number(),
  since: z.string(),
});
type HolderRecord = z.infer<typeof record>;

const POLL = 200;
/** A holder touches its file so often; one in another pid namespace that has not for `STALE` is dead. */
const TOUCH = 15_000;
const STALE = 120_000;

/**
 * Acquires a lease, or takes it over when its holder is dead or an earlier attempt of the same step.
 * @throws BackupError `busy` when another holds it for all of `wait`, `aborted` when cancelled meanwhile.
 */
export async function acquireLease(request: LeaseRequest): Promise<Lease> {
  const folder = path.join(request.state, 'leases', request.name);
  return translated(folder, `acquiring the lease of ${request.name}`, async () => {
    await makePath(folder);
    const deadline = Date.now() + request.wait;
    for (;;) {
      if (request.signal.aborted) throw aborted(request, request.signal.reason);
      const newest = await newestNumber(folder);
      const holder = await currentHolder(folder, newest);
      if (holder === undefined || isEarlierAttempt(holder, request) || (await isDead(folder, newest, holder))) {
        const lease = await take(folder, newest + 1, request);
        if (lease !== undefined) return lease;
        continue;
      }
      if (Date.now() >= deadline) throw busy(request, holder);
      await pause(Math.min(POLL, Math.max(1, deadline - Date.now())), request);
    }
  });
}

/** Who holds a lease now. */
export interface HeldLease {
  readonly step: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
  readonly dead: boolean;
  /** Milliseconds since the epoch: when its holder showed life last. */
  readonly touched: number;
}

/** Undefined where it is free, or nobody ever had it. */
export async function heldLease(state: string, name: string): Promise<HeldLease | undefined> {
  const folder = path.join(state, 'leases', name);
  return translated(folder, `looking at the lease of ${name}`, async () => {
    const number = await newestNumber(folder);
    const holder = await currentHolder(folder, number);
    const found = await ifThere(stat(fileOf(folder, number)));
    if (holder === undefined || found === undefined) return undefined;
    const { step, pid, since } = holder;
    return { step, pid, since, dead: await isDead(folder, number, holder), touched: found.mtimeMs };
  });
}

/** Links this process's record as `number`; undefined when another was faster. */
async function take(folder: string, number: number, request: LeaseRequest): Promise<Lease | undefined> {
  const token = randomUUID();
  const { step, attempt } = request;
  const mine: HolderRecord = { token, step, attempt, since: new Date().toISOString(), ...thisHolder() };
  const temporary = path.join(folder, `${token}.tmp`);
  await writeNew(temporary, Buffer.from(JSON.stringify(mine)));
  try {
    await link(temporary, fileOf(folder, number));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  // Between the look and the link others may have come, gone and tidied up: then this number is an old one.
  if ((await newestNumber(folder)) !== number) {
    await rm(fileOf(folder, number), { force: true });
    return undefined;
  }
  await syncFolder(folder);
  await tidy(folder, number);
  return held(folder, { number, token, request });
}

function held(
  folder: string,
  mine: { readonly number: number; readonly token: string; readonly request: LeaseRequest },
): Lease {
  const { number, token, request } = mine;
  const file = fileOf(folder, number);
  const touching = setInterval(() => {
    const now = new Date();
    // The file is gone once a later holder has tidied up: check() says so where it matters.
    utimes(file, now, now).catch(() => undefined);
  }, TOUCH);
  touching.unref();

  return {
    number,
    async check() {
      const newest = await translated(folder, `checking the lease of ${request.name}`, () => newestNumber(folder));
      const holder = newest === number ? await readHolder(file) : undefined;
      if (holder?.token === token) return;
      throw lost(request, number, newest);
    },
    async release() {
      clearInterval(touching);
      // Named by its own number, so that a sleeper who wakes late frees nothing but what was its own.
      await translated(folder, `releasing the lease of ${request.name}`, async () => {
        if ((await readHolder(file))?.token !== token) return;
        await writeNew(releasedOf(folder, number), Buffer.from('')).catch((error: unknown) => {
          if (errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'ENOENT') throw error;
        });
      });
    },
  };
}

/** The record of a number that is held; undefined when it is free. */
async function currentHolder(folder: string, number: number): Promise<HolderRecord | undefined> {
  if (number === 0) return undefined;
  if ((await ifThere(stat(releasedOf(folder, number)))) !== undefined) return undefined;
  return readHolder(fileOf(folder, number));
}

/** A record that is no JSON was cut by a crash of the whole machine: its holder is dead, and it counts as none. */
async function readHolder(file: string): Promise<HolderRecord | undefined> {
  const text = await ifThere(readFile(file, 'utf8'));
  if (text === undefined) return undefined;
  try {
    return record.parse(JSON.parse(text));
  } catch {
    // Written whole before it was linked, so only a crash of the machine leaves it like this.
    return undefined;
  }
}

async function isDead(folder: string, number: number, holder: HolderRecord): Promise<boolean> {
  const alive = await isAlive(holder);
  if (alive !== undefined) return !alive;
  const touched = await ifThere(stat(fileOf(folder, number)));
  return touched === undefined || Date.now() - touched.mtimeMs > STALE;
}

function isEarlierAttempt(holder: HolderRecord, request: LeaseRequest): boolean {
  return holder.step === request.step && holder.attempt < request.attempt;
}

async function newestNumber(folder: string): Promise<number> {
  const numbers = (await ifThere(readdir(folder)))?.map((name) => Number(/^(\d+)\.json$/.exec(name)?.[1] ?? 0)) ?? [];
  return Math.max(0, ...numbers);
}

/** Removes what lower numbers left. The highest number is never removed, so numbers only grow. */
async function tidy(folder: string, number: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const old = /^(\d+)\.(?:json|released)$/.exec(name);
    if (old ? Number(old[1]) < number : await isLeftover(path.join(folder, name))) {
      await rm(path.join(folder, name), { force: true });
    }
  }
}

/** A temporary file lives for milliseconds; one of an hour was left by a crash between its writing and its link. */
async function isLeftover(file: string): Promise<boolean> {
  if (!file.endsWith('.tmp')) return false;
  const found = await ifThere(stat(file));
  return found !== undefined && Date.now() - found.mtimeMs > 3_600_000;
}

async function pause(milliseconds: number, request: LeaseRequest): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal: request.signal });
  } catch (cause) {
    throw aborted(request, cause);
  }
}

function fileOf(folder: string, number: number): string {
  return path.join(folder, `${number}.json`);
}

function releasedOf(folder: string, number: number): string {
  return path.join(folder, `${number}.released`);
}

function aborted(request: LeaseRequest, cause: unknown): BackupError {
  return new BackupError('aborted', `Cancelled while waiting for the lease of ${request.name}.`, { cause });
}

function busy(request: LeaseRequest, holder: HolderRecord): BackupError {
  return new BackupError(
    'busy',
    `${request.name} is being worked on by another step (${holder.step}, process ${holder.pid}, since ${holder.since}); waited ${formatDuration(request.wait)}.`,
    {
      remedy: 'Let it finish, or cancel that run. A step of a run is tried again by itself; give a command again then.',
      facts: { name: request.name, step: holder.step, pid: holder.pid, since: holder.since },
    },
  );
}

function lost(request: LeaseRequest, number: number, newest: number): BackupError {
  const facts = { name: request.name, number, newest };
  if (newest > number) {
    return new BackupError(
      'lease-lost',
      `A later attempt has taken over the lease of ${request.name}: this one publishes nothing.`,
      {
        remedy: 'Nothing needs to be done: the later attempt carries on.',
        facts,
      },
    );
  }
  return new BackupError(
    'lease-lost',
    `The lease of ${request.name} has vanished: the state folder was removed or replaced.`,
    {
      remedy: `Look at ${request.state}; the step is tried again and makes it anew.`,
      facts,
      retryable: true,
    },
  );
}
