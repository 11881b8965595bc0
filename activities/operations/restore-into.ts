/** A restore into a running server as the step of a run: what an attempt that was killed has done there is found out, and only what is lacking is done. */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { IntoExport, IntoKeys, IntoStepInput, KeysPut, PutInto } from '../../model/into-run.ts';
import type { NotHere } from '../../model/restore-run.ts';
import { REPOSITORY } from '../../model/rotation.ts';
import type { Site } from '../site.ts';
import { chainOf, findPinned, listBackups } from '../storage/catalogue.ts';
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
  note: z.looseObject({}),
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
  const memory = memoryOf(site, input);
  const keys = await atOnce(true, () => {
    const { what } = input;
    return what.kind === 'keys'
      ? putKeys({ site, input, work }, what, memory)
      : putExport({ site, input, work }, what, memory);
  });
  return { milliseconds: Date.now() - began, keys };
}

interface Memory {
  /** Of an attempt of the same run; undefined on the first. */
  readonly before: () => Promise<z.infer<typeof noted> | undefined>;
  readonly note: (note: object, done?: object) => Promise<void>;
}

async function putExport(
  { site, input, work }: IntoStep,
  { database, tables, owners }: IntoExport,
  memory: Memory,
): Promise<null> {
  const { store, backup } = await found(site, input);
  const before = await memory.before();
  if (before?.done) return null;
  const password = await passwordOf(site, input);
  const into = { settings: input.into, password };
  const request = { site, store, backup, database, tables, into, replace: input.replace, owners, work };
  await withExportPlan({ ...request, ...(before && { earlier: before.note }) }, async (plan) => {
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
  const before = await memory.before();
  if (before?.done) return keysPut.parse(before.done);
  const into = keysServer(site, source, { settings: input.into, password: await passwordOf(site, input) });
  const request = { site, store, chain, source, pattern, database, into, replace, work };
  let last: object = before?.note ?? {};
  const onMoved = (note: object): Promise<void> => memory.note((last = note));
  return withKeysPlan({ ...request, onMoved, ...(before && { earlier: before.note }) }, async (plan) => {
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

/** One file for each thing that is restored into: of that there is one restore. */
function memoryOf(site: Site, { run, into, what: { database } }: IntoStepInput): Memory {
  const of = createHash('sha256')
    .update(JSON.stringify([into, database]))
    .digest('hex')
    .slice(0, 16);
  const file = path.join(site.state, 'restores', `into-${of}.json`);
  return {
    async before() {
      const last = await readMemoryFile(file, noted);
      return last?.run === run ? last : undefined;
    },
    note: (note, done) => writeMemoryFile(file, { run, note, done: done ?? null }),
  };
}
