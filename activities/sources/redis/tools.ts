/** redis-check-rdb and redis-check-aof: what they find in files that no server runs on. */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import { runProgram } from '../../streams/run.ts';
import type { Program } from '../../streams/types.ts';
import { PROCESSES } from '../private-server/processes.ts';
import type { Sandbox } from '../private-server/sandbox.ts';
import { holderOf } from '../private-server/user.ts';
import type { Work } from '../../work.ts';

/** What redis-check-rdb counted in a file, over all its databases. */
export interface RdbCounts {
  readonly keys: number;
  /** With a TTL. */
  readonly expires: number;
  /** Of those, the ones whose time is over by now: a server drops them when it loads the file. */
  readonly expired: number;
}

/** A tool's verdict, and what it printed. */
export interface Verdict {
  readonly ok: boolean;
  readonly output: string;
  /** The line that tells what is wrong. */
  readonly why: string;
}

/** One of them, and where it is. */
export interface Tool {
  readonly command: string;
  /** Absent: on this machine. */
  readonly sandbox?: Sandbox | undefined;
}

/**
 * Runs one of the tools. They tell what they find on stdout, and by exit code 1 that it is not right.
 * @param args the file at their end.
 */
export async function runTool(tool: Tool, args: readonly string[], work: Work, input?: string): Promise<Verdict> {
  const { command, sandbox = PROCESSES } = tool;
  const file = args.at(-1);
  if (file === undefined) throw new TypeError('a tool without a file');
  const program = sandbox.program({ command, args, accept: [1], cwd: '/' }, await holderOf(file));
  // The watchdog of standstill sees its CPU and I/O; its output comes by way of lines.
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  if (input === undefined) {
    const ended = await withLines(program, work, onLine);
    return verdict(lines.join('\n'), ended);
  }
  const { stdout, code } = await runProgram(program, { signal: work.signal, input });
  return verdict(stdout, code);
}

async function withLines(program: Program, work: Work, onLine: (line: string) => void): Promise<number> {
  // stdout of a pipeline's last program is dropped, so it is joined to where lines are read.
  const args = ['-c', 'exec "$@" >&3 2>&3', 'sh', program.command, ...program.args];
  const [ended] = await runPipeline({
    programs: [{ ...program, command: 'sh', args, onLine }],
    bytes: () => 0,
    phase: 'verifying files',
    total: null,
    work,
  });
  return ended?.code ?? 1;
}

function verdict(output: string, code: number): Verdict {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const why = lines.findLast((line) =>
    /not valid|error|Expected|Unexpected|mismatch|ERR|failed|wrong|Invalid|Can't|nothing before/i.test(line),
  );
  return { ok: code === 0, output, why: (why ?? lines.at(-1) ?? 'it said nothing').trim() };
}

const count = z.coerce.number();

/** The counts in redis-check-rdb's output. @throws BackupError `verification-failed` when they are not there: it has read no RDB. */
export function rdbCounts({ output }: Verdict): RdbCounts {
  const number = (pattern: RegExp): number => {
    const digits = pattern.exec(output)?.[1];
    if (digits === undefined) {
      throw new BackupError('verification-failed', 'What was restored is no RDB: nothing told how many keys it has.', {
        remedy: 'Nothing was started on it. Restore another backup, or this one from another copy.',
        facts: { output: output.slice(-4096) },
      });
    }
    return count.parse(digits);
  };
  return {
    keys: number(/(\d+) keys read/),
    expires: number(/(\d+) expires/),
    expired: number(/(\d+) already expired/),
  };
}
