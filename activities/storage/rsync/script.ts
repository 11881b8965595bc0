/** Scripts of sh that run at the other side. They go through stdin, so no key and no digest stands in a command line there or here. */
import { runProgram } from '../../streams/run.ts';
import { sessionError } from './errors.ts';
import type { Link } from './link.ts';
import { guard } from './place-there.ts';
import { quote } from './quote.ts';

/** The login shell there, whatever it is, understands this much. */
export const SHELL = 'env LC_ALL=C sh -s';

export interface ScriptOptions {
  /** What is being done, for errors: `writing daily/…`. */
  readonly doing: string;
  readonly signal?: AbortSignal | undefined;
  /** Exit codes that the script uses for answers. */
  readonly accept?: readonly number[];
}

export interface Answer {
  readonly stdout: string;
  readonly code: number;
}

/** Runs a script in the destination's folder. */
export function runScript(link: Link, script: string, { doing, signal, accept = [] }: ScriptOptions): Promise<Answer> {
  const program = { ...link.session(SHELL), accept };
  return link.commands.take(async () => {
    try {
      const { stdout, code } = await runProgram(program, { input: scriptIn(link, script), signal });
      return { stdout, code };
    } catch (error) {
      throw await sessionError(link, doing, error);
    }
  }, signal);
}

/** The whole script: it begins in the folder, which is the one that is meant, and fails at the first command that does. */
export function scriptIn(link: Link, script: string): string {
  const { server } = link;
  const enter = server.root === '' ? '' : `cd -- ${quote(server.root)}\n`;
  return `set -e\numask 077\n${enter}${guard(link)}${script}\n`;
}

/** Whether scripts run there at all: rrsync, or a shell that only says goodbye, answers otherwise. */
export async function hasShell(link: Link): Promise<boolean> {
  const program = { ...link.session(SHELL), accept: Array.from({ length: 254 }, (_each, index) => index + 1) };
  return link.commands.take(async () => {
    try {
      const { stdout } = await runProgram(program, { input: 'echo mosaic-"shell"\n', timeout: 30_000 });
      return stdout.split('\n').includes('mosaic-shell');
    } catch (error) {
      throw await sessionError(link, 'looking for a shell', error);
    }
  });
}
