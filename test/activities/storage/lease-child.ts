/** A process that wants a lease. It says what it got, then does what it is told, a line at a time. */
import { once } from 'node:events';
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
  /** With it: once told a time (milliseconds since the epoch), want another name every 10 ms for `rounds`, as all racers do. */
  readonly sprint?: boolean;
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
    await sleep(Math.max(0, start + round * 10 - Date.now() - 2));
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

/** The first line that it is told. */
async function told(): Promise<string> {
  const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string]; // what readline emits
  return line;
}

const { critical } = input;
if (critical !== undefined) await attempt(() => race(critical));
else if (input.sprint !== true) await hold();
else {
  process.stdout.write('ready\n');
  const start = Number(await told());
  await attempt(() => sprint(start));
  // What was won is held until the test ends this process: nobody wins by the death of another.
  await sleep(60_000);
}
process.exit(0);
