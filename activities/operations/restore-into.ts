/** A restore into a running server as the step of a run: what an attempt that was killed has done there is found out, and only what is lacking is done. */
import { createHash } from 'node:crypto';
import { stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import type { IntoExport, IntoKeys, IntoStepInput, KeysPut, PutInto } from '../../model/into-run.ts';
import type { NotHere } from '../../model/restore-run.ts';
import { REPOSITORY } from '../../model/rotation.ts';
import type { Site } from '../site.ts';
import { undecided } from '../sources/earlier.ts';
import { chainOf, findPinned, listBackups } from '../storage/catalogue.ts';
import { ifThere } from '../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';
import type { Work } from '../work.ts';
import { openPlaceNamed } from './keys/places.ts';
import { withExportPlan } from './restore-export.ts';
import { keysServer, withKeysPlan } from './restore-keys.ts';
import { atOnce } from './restore-run.ts';
import { elsewhere } from './restore-seen.ts';

export interface IntoStep {
  readonly site: Site;
  readonly input: IntoStepInput;
  readonly work: Work;
}

/** What is looked at by both, whoever asks and the worker: scratch comes there, and sockets of servers lie there. */
export const SEEN = path.join(tmpdir(), '.mosaic-restore-into');

/** What an attempt has noted before it wrote anything: by that the next one finds out what it has written. */
const noted = z.looseObject({
  run: z.string(),
  /** Null: it has begun, and written nothing yet. */
  note: z.looseObject({}).nullable(),
  /** Whether it had come to its end. */
  done: z.looseObject({}).nullable(),
});

const keysPut = z.object({
  meant: z.number(),
  taken: z.number(),
  restored: z.number(),
  lapsed: z.number(),
  kept: z.number().default(0),
  bytes: z.number(),
}) satisfies z.ZodType<KeysPut>;

/** @throws BackupError as `withExportPlan` and `withKeysPlan`, and what they carry out: not to be tried again, but where the server is still at it. */
export async function intoStep({ site, input, work }: IntoStep): Promise<PutInto | NotHere> {
  const why = input.seen === undefined ? null : await elsewhere(site, input.seen, SEEN);
  if (why !== null) return { elsewhere: why };
  const began = Date.now();
  let memory: Memory | undefined;
  // A server that was lost on the way, as by its restart, is gone on with once it is back: what it has is noted.
  const isOpen = ({ code }: BackupError): boolean => code === 'unreachable' && memory?.isNoted() === true;
  const keys = await atOnce(
    true,
    async () => {
      memory = await openMemory(site, input);
      try {
        const { what } = input;
        return await (what.kind === 'keys'
          ? putKeys({ site, input, work }, what, memory)
          : putExport({ site, input, work }, what, memory));
      } finally {
        memory.close();
      }
    },
    isOpen,
  );
  return { milliseconds: Date.now() - began, keys };
}

interface Memory {
  /** What an attempt of the same run has noted; undefined on the first, and where it had not come to that. */
  readonly earlier: object | undefined;
  /** Of an attempt that had come to its end. */
  readonly done: object | null;
  readonly note: (note: object, done?: object) => Promise<void>;
  /** Whether this attempt, or one before it, may have written anything. */
  readonly isNoted: () => boolean;
  /** @throws BackupError `refused` where nobody was at it for long. */
  readonly requireSoon: () => void;
  readonly close: () => void;
}

/** Milliseconds of silence after which it is not gone on with by itself: clients have gone on writing, and whoever asked may have done something else. */
const SOON = 3_600_000;
/** Milliseconds between two signs of life. */
const ALIVE = 30_000;

async function putExport(
  { site, input, work }: IntoStep,
  { database, tables, owners }: IntoExport,
  memory: Memory,
): Promise<null> {
  const { store, backup } = await found(site, input);
  const { earlier } = memory;
  if (memory.done) return null;
  const password = await passwordOf(site, input);
  const into = { settings: input.into, password };
  const request = { site, store, backup, database, tables, into, replace: input.replace, owners, work };
  await withExportPlan({ ...request, ...(earlier && { earlier }) }, async (plan) => {
    if (!plan.done) memory.requireSoon();
    await memory.note(plan.note);
    await plan.carryOut();
    await memory.note(plan.note, {});
  });
  return null;
}

async function putKeys(
  { site, input, work }: IntoStep,
  { database, pattern }: IntoKeys,
  memory: Memory,
): Promise<KeysPut> {
  const { source, replace } = input;
  const { store, chain } = await found(site, input);
  const { earlier } = memory;
  if (memory.done) return keysPut.parse(memory.done);
  const into = keysServer(site, source, { settings: input.into, password: await passwordOf(site, input) });
  const request = { site, store, chain, source, pattern, database, into, replace, work };
  let last: object = earlier ?? {};
  const onMoved = (note: object): Promise<void> => memory.note((last = note));
  return withKeysPlan({ ...request, onMoved, ...(earlier && { earlier }) }, async (plan) => {
    if (!plan.done) memory.requireSoon();
    const { keys, ...moved } = await plan.carryOut();
    const put = { meant: plan.keys.length, taken: plan.taken.length, restored: keys, ...moved };
    await memory.note(last, put);
    return put;
  });
}

async function found(site: Site, { source, backup: pinned, place }: IntoStepInput) {
  const store = await openPlaceNamed(site, place ?? REPOSITORY);
  const catalogue = (await listBackups(store)).filter(({ manifest }) => manifest.source === source);
  const backup = findPinned(catalogue, pinned);
  return { store, backup, chain: chainOf(catalogue, backup) };
}

async function passwordOf(site: Site, { passwordFile }: IntoStepInput): Promise<string | undefined> {
  return passwordFile === null ? undefined : site.readSecret({ file: passwordFile });
}

/** One file for each thing that is restored into: of that there is one restore. @throws BackupError `conflict` where an attempt has noted what is lost. */
async function openMemory(site: Site, input: IntoStepInput): Promise<Memory> {
  const { run, source, into, what, again = false } = input;
  const of = createHash('sha256')
    .update(JSON.stringify([source, into, what.database]))
    .digest('hex')
    .slice(0, 16);
  const file = path.join(site.state, 'restores', `into-${of}.json`);
  const last = await readMemoryFile(file, noted);
  const before = last?.run === run ? last : undefined;
  if (again && before === undefined) throw undecided(`what it had noted is not in ${file} any more`);
  // Its notes, and its signs of life.
  const atWork = before && (await ifThere(stat(file)))?.mtimeMs;
  const lastHeard = atWork ?? Date.parse(input.asked ?? new Date().toISOString());
  if (before === undefined) await writeMemoryFile(file, { run, note: null, done: null });
  const alive = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), ALIVE);
  const earlier = before?.note ?? undefined;
  let isNoted = earlier !== undefined;
  return {
    earlier,
    done: before?.done ?? null,
    note(note, done) {
      isNoted = true;
      return writeMemoryFile(file, { run, note, done: done ?? null });
    },
    isNoted: () => isNoted,
    requireSoon: () => requireSoon(lastHeard),
    close: () => clearInterval(alive),
  };
}

function requireSoon(lastHeard: number): void {
  if (Date.now() - lastHeard < SOON) return;
  throw new BackupError(
    'refused',
    `This restore was cut off, and nobody was at it since ${new Date(lastHeard).toISOString()}: it is not gone on with.`,
    {
      remedy:
        'So long after clients have gone on writing. Look at the server; where it is wanted all the same, give the command again.',
    },
  );
}
