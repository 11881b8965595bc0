/** The sockets of a process of this machine, as /proc tells them. */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** Where a line of the kernel's tables has the number of the socket. */
const INODE = { unix: 6, tcp: 9, tcp6: 9, udp: 9, udp6: 9 } as const;

/** Its sockets of a kind, as lines of the kernel's table of them. */
export async function socketsOf(pid: number, kind: keyof typeof INODE): Promise<readonly string[]> {
  const own = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    own.add(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? '');
  }
  const lines = (await readFile(`/proc/${pid}/net/${kind}`, 'utf8')).split('\n').slice(1);
  return lines.filter((line) => own.has(line.trim().split(/\s+/)[INODE[kind]] ?? 'none'));
}

/** Its sockets of any network, as lines of the kernel's tables of them. */
export async function networkOf(pid: number): Promise<readonly string[]> {
  return (await Promise.all((['tcp', 'tcp6', 'udp', 'udp6'] as const).map((kind) => socketsOf(pid, kind)))).flat();
}
