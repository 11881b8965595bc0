/** Probes by a program of the user's own. */
import type { CommandProbe } from '../../../model/config/probe.ts';
import { BackupError } from '../../../model/errors.ts';
import { howItEnded } from '../../streams/how-it-ended.ts';
import { locate } from '../../streams/locate.ts';
import { runProgram } from '../../streams/run.ts';
import { sandboxed } from './sandboxed.ts';
import { AT_ONCE, right, wrong, type ProbeContext, type Seen } from './types.ts';

/** In commands of the config it stands for the restored folder. */
const RESTORED = '{restored}';

/** @throws BackupError `missing-program`. */
export async function runCommand({ command }: CommandProbe, context: ProbeContext): Promise<Seen> {
  const { source, restored, service, work } = context;
  const env = { ...service?.env, MOSAIC_RESTORED: restored, MOSAIC_SOURCE: source };
  const program = await sandboxed({ command: filledIn(command, restored), restored, service, env });
  try {
    await runProgram(program, { signal: work.signal, quiet: true, ...AT_ONCE });
    return right('exit status 0');
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    // What it printed may hold a secret.
    return wrong(`${command[0] ?? ''} ${howItEnded(error)}: run it by hand on a restore to see what it says`);
  }
}

/** Looked up here: in the sandbox nobody could say which package has it. @throws BackupError `missing-program`. */
export function filledIn(command: readonly string[], restored: string): readonly [string, ...string[]] {
  const [program = '', ...args] = command.map((word) => word.replaceAll(RESTORED, restored));
  return [locate(program), ...args];
}
