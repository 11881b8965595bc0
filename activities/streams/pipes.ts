/**
 * Kernel pipes that Node can hand to children. Node's own 'pipe' is a pair of sockets: slower, and a child
 * cannot open it again as /dev/fd/3 (ENXIO), which `age -i /dev/fd/3` and `tar --index-file` do.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { BackupError } from '../../model/errors.ts';
import { messageOf } from './errno.ts';
import { locate } from './locate.ts';

/** Descriptors of both ends, in this process, closed on exec. Whoever holds a pipe closes both. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/**
 * Node has neither pipe(2) nor fcntl(2); perl-base, essential in Debian, has both. It makes the pipes, enlarges
 * them (F_SETPIPE_SZ = 1031; refused above the user's share of pipe memory, where the size simply stays), prints
 * its descriptors and waits until its stdin closes. Meanwhile Node opens them through /proc/<pid>/fd.
 */
const MAKE_PIPES = `
$| = 1; my @keep;
for (1 .. $ARGV[0]) {
  pipe(my $read, my $write) or die "pipe: $!\\n";
  fcntl($write, 1031, 0 + $ARGV[1]);
  push @keep, $read, $write;
  print fileno($read), " ", fileno($write), "\\n";
}
close STDOUT; readline STDIN;
`;

/** 1 MiB, the most that an unprivileged process may ask for; measured in compression.ts. */
const PIPE_BYTES = 1024 * 1024;

/**
 * Made at once: to start a helper costs a copy of this process's page tables, some 10 ms, and a session asks a server
 * dozens of short questions by programs that want a pipe or two each. An empty pipe takes two descriptors and 10 KB.
 */
const BATCH = 8;
const spare: Pipe[] = [];

/** Pipes of 1 MiB, new ones or such as were made before and never used. */
export async function openPipes(count: number): Promise<readonly Pipe[]> {
  // Others may take from them while more are made.
  while (spare.length < count) spare.push(...(await makePipes(Math.max(count - spare.length, BATCH))));
  return spare.splice(0, count);
}

async function makePipes(count: number): Promise<readonly Pipe[]> {
  const helper = spawn(locate('perl'), ['-e', MAKE_PIPES, String(count), String(PIPE_BYTES)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  try {
    // With no descriptor left there is no process, and none of the pipes to it either: nothing else may begin before.
    await once(helper, 'spawn');
  } catch (error) {
    throw noPipes(error);
  }
  const ended = once(helper, 'close');
  const complaint = text(helper.stderr);
  const pipes: Pipe[] = [];
  try {
    const listed = (await text(helper.stdout)).split('\n').filter((line) => line !== '');
    if (listed.length !== count) throw new Error(`${listed.length} of ${count} pipes: ${(await complaint).trim()}`);
    for (const line of listed) pipes.push(openBoth(`/proc/${helper.pid}/fd`, line));
    return pipes;
  } catch (error) {
    for (const { read, write } of pipes) closeAll([read, write]);
    throw noPipes(error);
  } finally {
    helper.stdin.end();
    await ended;
  }
}

function noPipes(cause: unknown): BackupError {
  return new BackupError('failed', `No pipes could be made: ${messageOf(cause)}`, { cause });
}

/** Closes descriptors that this process holds. */
export function closeAll(descriptors: Iterable<number>): void {
  for (const descriptor of descriptors) closeSync(descriptor);
}

function openBoth(folder: string, line: string): Pipe {
  const [read, write] = line.split(' ');
  // A pipe's end opened through /proc is a new description of it, so that Node's non-blocking flag stays its own.
  const readEnd = openSync(`${folder}/${read}`, 'r');
  try {
    return { read: readEnd, write: openSync(`${folder}/${write}`, 'w') };
  } catch (error) {
    closeSync(readEnd);
    throw error;
  }
}
