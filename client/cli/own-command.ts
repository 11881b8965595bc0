/** A command inside a process that does something else: its output is kept, and signals are that process's own. */
import type { Commanded } from '../../activities/command-line.ts';
import { productVersion } from '../../activities/version.ts';
import type { Stream } from './output.ts';
import { startCommand } from './start.ts';

/** As `CommandLine` of the activities. */
export async function ownCommand(args: readonly string[], signal: AbortSignal): Promise<Commanded> {
  const stdout = keeping();
  const stderr = keeping();
  const { env } = process;
  await startCommand(['--json', ...args], {
    env,
    cwd: process.cwd(),
    stdout,
    stderr,
    version: productVersion,
    signal,
  });
  return { stdout: stdout.text(), stderr: stderr.text() };
}

/** What is written is kept; nobody looks at it meanwhile. */
function keeping(): Stream & { readonly text: () => string } {
  const parts: string[] = [];
  return {
    isTTY: false,
    columns: 0,
    write: (text) => parts.push(text) > 0,
    text: () => parts.join(''),
  };
}
