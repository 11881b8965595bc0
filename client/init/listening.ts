/** What listens on this machine: sockets and ports, and whose they are. From the kernel's own lists. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import type { Endpoint } from './found.ts';

export interface Listening {
  readonly at: Endpoint;
  /** Process and name of its program; undefined where it is not ours to see, or no program that was asked for. */
  readonly owner: { readonly pid: number; readonly program: string } | undefined;
}

/** State LISTEN of /proc/net/tcp, and flag __SO_ACCEPTCON of /proc/net/unix. */
const LISTEN = '0A';
const ACCEPTS = '00010000';

/** Everything that listens by socket, or by TCP where this machine itself can reach it. */
export async function listening(programs: readonly string[], proc = '/proc'): Promise<readonly Listening[]> {
  const [sockets, ports, owners] = await Promise.all([unixSockets(proc), tcpPorts(proc), ownersOf(programs, proc)]);
  return [...sockets, ...ports].map(({ at, inode }) => {
    return { at, owner: owners.get(inode) };
  });
}

interface Open {
  readonly at: Endpoint;
  readonly inode: string;
}

async function unixSockets(proc: string): Promise<readonly Open[]> {
  const lines = (await textOf(path.join(proc, 'net/unix'))).split('\n');
  return lines.flatMap((line) => {
    const [, flags, inode = '', socket] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (\/.*)$/.exec(line) ?? [];
    return flags === ACCEPTS && socket !== undefined ? [{ at: { socket }, inode }] : [];
  });
}

async function tcpPorts(proc: string): Promise<readonly Open[]> {
  const texts = await Promise.all(['net/tcp', 'net/tcp6'].map((name) => textOf(path.join(proc, name))));
  return texts.flatMap((text) =>
    text.split('\n').flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      return state === LISTEN && isReachedHere(address) ? [{ at: { port: Number.parseInt(port, 16) }, inode }] : [];
    }),
  );
}

/** Any address, and 127.0.0.1, as the kernel writes them; the latter also as an IPv6 one. */
function isReachedHere(address: string): boolean {
  return /^0+$/.test(address) || /^(?:0{16}FFFF0{4})?0100007F$/i.test(address);
}

/** Processes of some programs, by the inodes of their sockets. */
async function ownersOf(programs: readonly string[], proc: string) {
  const owners = new Map<string, { readonly pid: number; readonly program: string }>();
  for (const name of await namesIn(proc)) {
    if (!/^\d+$/.test(name)) continue;
    const program = (await textOf(path.join(proc, name, 'comm'))).trimEnd();
    if (!programs.includes(program)) continue;
    const folder = path.join(proc, name, 'fd');
    for (const descriptor of await namesIn(folder)) {
      const inode = /^socket:\[(\d+)\]$/.exec(await targetOf(path.join(folder, descriptor)))?.[1];
      if (inode !== undefined) owners.set(inode, { pid: Number(name), program });
    }
  }
  return owners;
}

/** Empty where it is not there, gone by now, or closed to us: then this way finds nothing. */
function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

function targetOf(link: string): Promise<string> {
  return readlink(link).catch(() => '');
}
