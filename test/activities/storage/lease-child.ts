/** A process that wants a lease. It says what it got, then does what it is told, a line at a time. */
import { rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLease } from '../../../activities/storage/lease.ts';
import type { LeaseRequest } from '../../../activities/storage/lease.ts';
import { BackupError } from '../../../model/errors.ts';

interface Input extends Omit<LeaseRequest, 'signal'> {
  /** With it: so many times in turn acquire, make this file, which must not exist, remove it, release. */
  readonly critical?: string;
  readonly rounds?: number;
  /** With it: at this time (milliseconds since the epoch), and every 10 ms for `rounds`, want another name, all racers the same. */
  readonly start?: number;
}

const input = JSON.parse(process.argv[2] ?? '') as Input; // written by the test beside
const signal = new AbortController().signal;

async function attempt(what: () => Promise<string>): Promise<void> {
  const said = await what().catch((error: unknown) => (error instanceof BackupError ? error.code : String(error)));
  process.stdout.write(`${said}\n`);
}

async function race(file: string): Promise<string> {
  const numbers: number[] = [];
  for (let round = 0; round < (input.rounds ?? 1); round += 1) {
    const lease = await acquireLease({ ...input, signal });
    await lease.check();
    await writeFile(file, String(process.pid), { flag: 'wx' });
    await sleep(Math.random() * 4);
    await rm(file);
    numbers.push(lease.number);
    await lease.release();
  }
  return JSON.stringify(numbers);
}

/** Which of the names it got, having wanted each in the same instant as the others. */
async function sprint(start: number): Promise<string> {
  const won: number[] = [];
  for (let round = 0; round < (input.rounds ?? 1); round += 1) {
    await sleep(start + round * 10 - Date.now() - 2);
    while (Date.now() < start + round * 10);
    try {
      await (await acquireLease({ ...input, name: `${input.name}-${round}`, signal })).check();
      won.push(round);
    } catch (error) {
      if (!(error instanceof BackupError) || error.code !== 'busy') throw error;
    }
  }
  return JSON.stringify(won);
}

async function hold(): Promise<void> {
  const lease = await acquireLease({ ...input, signal });
  process.stdout.write(`${lease.number}\n`);
  for await (const command of createInterface({ input: process.stdin })) {
    await attempt(async () => {
      await (command === 'check' ? lease.check() : lease.release());
      return 'done';
    });
  }
}

const { critical, start } = input;
if (critical !== undefined) await attempt(() => race(critical));
else if (start === undefined) await hold();
else {
  await attempt(() => sprint(start));
  // What was won is held until the test ends this process: nobody wins by the death of another.
  await sleep(60_000);
}
process.exit(0);
