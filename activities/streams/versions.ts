/** Versions of programs, for manifests and doctor. */
import { statSync } from 'node:fs';
import { locate } from './locate.ts';
import { runProgram } from './run.ts';

const known = new Map<string, string>();

/**
 * The version that a program prints: `15.14`, `1.5.4`. Asked once per program file, so that an upgrade under a
 * running worker is noticed. Fails with `missing-program`, or `program-failed` where it prints none.
 */
export async function programVersion(command: string, args: readonly string[] = ['--version']): Promise<string> {
  const path = locate(command);
  const { ino, mtimeMs } = statSync(path);
  const key = [path, ino, mtimeMs, ...args].join('\0');
  const before = known.get(key);
  if (before !== undefined) return before;
  const { stdout, stderr } = await runProgram({ command: path, args }, { timeout: 30_000 });
  const version = parseVersion(stdout === '' ? stderr : stdout);
  known.set(key, version);
  return version;
}

/** The first thing in a text that looks like a version; the text's first line where nothing does. */
export function parseVersion(text: string): string {
  const match = /(?<![\w.])v?(\d+\.\d+(?:\.\d+)*[\w.~+-]*)/.exec(text);
  return match?.[1] ?? text.split('\n')[0]?.trim() ?? '';
}
