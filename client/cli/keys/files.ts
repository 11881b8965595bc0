/** Files that the operator names, from the root. */
import path from 'node:path';
import type { Cli } from '../context.ts';

export function identityFiles({ cwd }: Cli, files: readonly string[] = []): readonly string[] {
  return files.map((file) => path.resolve(cwd, file));
}
