/**
 * Ending of programs that an attempt left inside a container: its `docker` program was killed, or its worker was.
 * They are known by the mark in their own environment, so nothing has to be written down that could be lost.
 */
import { BackupError } from '../../model/errors.ts';
import { messageOf } from '../streams/errno.ts';
import { runProgram } from '../streams/run.ts';
import type { Work } from '../work.ts';
import type { Container } from './container.ts';
import { inside, MARK } from './inside.ts';

/** Milliseconds for the whole. */
const LIMIT = 60_000;

/**
 * Asks each to end, and insists after ten seconds. Only those whose parent is none of ours: what they have started ends
 * with them, and what is killed behind its parent would be an orphan of the server (see inside.ts).
 */
const SCRIPT = `
marked() {
  for folder in /proc/[0-9]*; do
    grep -qsF "${MARK}=$1" "$folder/environ" || continue
    parent=0
    while read -r key value; do [ "$key" != PPid: ] || parent=$value; done 2>/dev/null <"$folder/status"
    grep -qsF "${MARK}=$1" "/proc/$parent/environ" || printf '%s ' "\${folder#/proc/}"
  done
}
found=$(marked "$1")
[ -n "$found" ] || exit 0
echo "$found"
kill -s TERM $found 2>/dev/null
waited=0
while [ -n "$(marked "$1")" ] && [ $waited -lt 100 ]; do
  [ $waited -ne 50 ] || kill -s KILL $(marked "$1") 2>/dev/null
  sleep 0.2
  waited=$((waited + 1))
done
[ -z "$(marked "$1")" ] || exit 9
`;

/**
 * Ends what this owner has left inside, whatever became of the attempt: it heeds no cancellation.
 * @returns how many there were.
 * @throws BackupError `failed` when one does not end.
 */
export async function reap(container: Container, owner: string): Promise<number> {
  const program = inside(container, { command: 'sh', args: ['-c', SCRIPT, 'sh', owner], accept: [9] });
  const { stdout, code } = await runProgram(program, { timeout: LIMIT });
  const found = stdout.split(' ').filter((pid) => /^\d+$/.test(pid.trim()));
  if (code === 0) return found.length;
  throw new BackupError('failed', `A program of an earlier attempt inside container ${container.name} does not end.`, {
    remedy: `docker top ${container.name} shows it; it holds a connection of the server. docker restart ${container.name} ends it, and the server with it.`,
    facts: { container: container.name, pids: found },
  });
}

/**
 * Runs programs of an owner inside: before them what an earlier attempt left is ended, and after a failure, or a
 * cancellation, what these leave.
 */
export async function reaping<Result>(
  container: Container,
  { owner, work, use }: { readonly owner: string; readonly work: Work; readonly use: () => Promise<Result> },
): Promise<Result> {
  const left = await reap(container, owner);
  if (left > 0)
    work.log.warn({ container: container.name, programs: left }, 'ended what an earlier attempt left inside');
  try {
    return await use();
  } catch (error) {
    // The failure is what counts; what could not be ended the next attempt ends.
    await reap(container, owner).catch((reason: unknown) =>
      work.log.warn({ container: container.name, why: messageOf(reason) }, 'could not look for programs left inside'),
    );
    throw error;
  }
}
