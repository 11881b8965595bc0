/** Looks for what must lie nowhere, or somewhere. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The files below some folders that have a text in them, binary or not. */
export async function filesWith(text: string, folders: readonly string[]): Promise<readonly string[]> {
  try {
    const { stdout } = await promisify(execFile)('grep', ['-rlaF', '--', text, ...folders]);
    return stdout.trim().split('\n');
  } catch (error) {
    // Exit 1: in none.
    if (error instanceof Error && 'code' in error && error.code === 1) return [];
    throw error;
  }
}
