/** CPU of this process, and of its children that have ended. */
import { readFileSync } from 'node:fs';

/** Ticks of /proc a second, on every Linux that Node runs on. */
const HERTZ = 100;

/** Seconds so far. Children count once they are reaped: what is still running does not. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // Behind the name, which may hold spaces and brackets; cutime and cstime are the fields 16 and 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (user + system) / 1e6 + (Number(fields[13]) + Number(fields[14])) / HERTZ;
}
