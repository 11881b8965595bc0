/** The binary logs of a stopped server, by their index. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ifThere } from '../../../storage/fs-errors.ts';
import { numberOf } from '../binlogs.ts';

export interface BinlogFile {
  readonly name: string;
  readonly file: string;
}

/**
 * In their order. The index names them as the server does, so only their names are taken.
 * @param binlogs path without a number.
 * @throws ENOENT where the index is gone: without it nobody knows which files count.
 */
export async function binlogFiles(binlogs: string): Promise<readonly BinlogFile[]> {
  const index = await readFile(`${binlogs}.index`, 'utf8');
  const folder = path.dirname(binlogs);
  return index
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ name: path.basename(line), file: path.join(folder, path.basename(line)) }))
    .toSorted((a, b) => numberOf(a.name) - numberOf(b.name));
}

/** Where the binary logs of a server lie that does not answer, if they lie in its data folder. */
export async function binlogsIn(data: string): Promise<string | null> {
  const names = (await ifThere(readdir(data))) ?? [];
  const index = names.find((name) => name.endsWith('.index') && names.some((other) => isFileOf(other, name)));
  return index === undefined ? null : path.join(data, index.replace(/\.index$/, ''));
}

function isFileOf(name: string, index: string): boolean {
  return /\.\d{6,}$/.test(name) && name.startsWith(index.replace(/index$/, ''));
}
