/** Recovers one source of a drill by the command that an operator would give. */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { DrillChosen, DrillInput, DrillRestored } from '../../../model/drill/drill.ts';
import { restoreWords } from '../../../model/drill/restore-words.ts';
import { BackupError, isErrorCode, type ErrorCode } from '../../../model/errors.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { COMMAND, type Commanded, type CommandLine } from '../../command-line.ts';
import type { Site } from '../../site.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../../storage/memory-file.ts';
import { aborted } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { fromAnyPlace } from '../restore-places.ts';
import { sandboxOf, type Sandbox } from './sandbox.ts';

export interface DrillRestoreRequest {
  readonly site: Site;
  readonly input: DrillInput;
  readonly chosen: DrillChosen;
  readonly commandLine: CommandLine;
  readonly work: Work;
}

/** What is known of a restore that was begun: killed when it was done, and before anybody knew, it is not done again. */
const record = z.object({
  place: z.string().nullable(),
  command: z.array(z.string()),
  passed: z.array(z.string()),
  damaged: z.array(z.string()),
  /** Milliseconds since the epoch. */
  began: z.number(),
  bytes: z.number(),
});

/** What the command printed. */
const failure = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string().nullable() }),
});
const success = z.object({ milliseconds: z.number(), plain: z.number() });

/**
 * From the first place whose copy is right.
 * @throws BackupError of the command that tells most, with what was tried in its facts `passed` and `damaged`.
 */
export async function restoreDrilled(request: DrillRestoreRequest): Promise<DrillRestored> {
  const { site, input, chosen, commandLine, work } = request;
  const sandbox = sandboxOf(site, input);
  const to = sandbox.restored(chosen.source);
  const known = await readMemoryFile(sandbox.begun(chosen.source), record);
  // It gets its name by one rename, when all of it is right.
  const there = await ifThere(stat(to));
  if (known && there) return { ...known, milliseconds: Math.max(0, Math.round(there.ctimeMs - known.began)) };
  await mkdir(path.dirname(to), { recursive: true });
  const passed: string[] = [];
  const damaged: string[] = [];
  const places = [chosen.place, ...chosen.others].map((place) => ({ place, name: place ?? REPOSITORY }));
  try {
    return (await fromAnyPlace(places, from)).result;
  } catch (error) {
    if (!(error instanceof BackupError) || passed.length === 0) throw error;
    const { code, message, remedy, facts, retryable } = error;
    const told = remedy === undefined ? {} : { remedy };
    throw new BackupError(code, message, { ...told, facts: { ...facts, passed, damaged }, retryable, cause: error });
  }

  async function from({ place, name }: (typeof places)[number]): Promise<DrillRestored> {
    const args = restoreArguments({ sandbox, input, chosen, from: name });
    const begun = { place, command: [COMMAND, ...args], passed: [...passed], damaged: [...damaged] };
    await writeMemoryFile(sandbox.begun(chosen.source), { ...begun, began: Date.now(), bytes: chosen.bytes });
    work.progress({ phase: `restoring from ${name}`, bytes: 0, total: null, activity: 0 });
    try {
      return { ...begun, ...resultOf(await commandLine(args, work.signal), work) };
    } catch (error) {
      if (error instanceof BackupError && error.code !== 'aborted') {
        passed.push(`${name}: ${error.message}`);
        if (DAMAGED.has(error.code)) damaged.push(name);
      }
      throw error;
    }
  }
}

/** Codes that speak against what lies at a place, whatever machine restores it. */
const DAMAGED: ReadonlySet<string> = new Set(['verification-failed', 'not-authentic', 'implausible-size']);

interface Restoring extends Pick<DrillRestoreRequest, 'input' | 'chosen'> {
  readonly sandbox: Sandbox;
  readonly from: string;
}

function restoreArguments({ sandbox, input, chosen, from }: Restoring): readonly string[] {
  const { source, backup, at } = chosen;
  const options = ['-c', sandbox.config, '--host', input.host];
  return restoreWords<never>({ options, what: backup.reference, source, from, at, to: sandbox.restored(source) });
}

function resultOf({ stdout, stderr }: Commanded, { signal }: Work): Pick<DrillRestored, 'bytes' | 'milliseconds'> {
  if (signal.aborted) throw aborted();
  const printed = json(stdout);
  const failing = failure.safeParse(printed).data;
  if (failing) throw failed(failing.error);
  const result = success.safeParse(printed).data;
  if (result) return { bytes: result.plain, milliseconds: result.milliseconds };
  const why = stderr.trimEnd().split('\n').at(-1) ?? 'nothing';
  throw new BackupError('program-failed', `The restore ended without a result; its last words: ${why}`);
}

function failed({ code, message, remedy }: { code: string; message: string; remedy: string | null }): BackupError {
  const known: ErrorCode = isErrorCode(code) ? code : 'failed';
  return new BackupError(known, message, remedy === null ? {} : { remedy });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
