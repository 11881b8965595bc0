/** The id of a history of binary logs, in state. After a hole it is another one. */
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isErrno } from '../../streams/errno.ts';
import { publish, writeNew } from '../../storage/durable.ts';

const FILE = 'lineage.json';
const record = z.looseObject({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  /** Number of the last file that is not of it: one directory may still have files of the history before. */
  after: z.int().optional(),
});

/** The lineage that shipping is in: state's, or where state was lost that of the newest logs, or a new one. */
export async function currentLineage(folder: string, newest: string | undefined): Promise<string> {
  const known = record.safeParse(await readRecord(path.join(folder, FILE))).data;
  return known?.id ?? keep(folder, newest ?? newId());
}

/** Undefined where it is lost or damaged. */
async function readRecord(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * What is shipped from now on follows nothing that was shipped before.
 * @param after number of the last file that is not of it; all files are where it is not known.
 */
export function beginLineage(folder: string, after?: number): Promise<string> {
  return keep(folder, newId(), after);
}

/** Number of the last file that is not of the current lineage; 0 where all are. */
export async function lineageBegins(folder: string): Promise<number> {
  return record.safeParse(await readRecord(path.join(folder, FILE))).data?.after ?? 0;
}

function newId(): string {
  return randomBytes(4).toString('hex');
}

async function keep(folder: string, id: string, after?: number): Promise<string> {
  const file = path.join(folder, FILE);
  const temporary = `${file}.new`;
  await rm(temporary, { force: true });
  await writeNew(temporary, Buffer.from(`${JSON.stringify({ id, after })}\n`, 'utf8'));
  await publish(temporary, file);
  return id;
}
