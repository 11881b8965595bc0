/** Whose a port of the loopback interface is. */
import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * Whether it is this process that listens on a port. An answer alone says nothing: between the choice of a port and
 * the start of a server another server may have taken it, that of another site even.
 */
export async function listensOn(pid: number, port: number): Promise<boolean> {
  const inode = await listeningInode(port);
  return inode !== undefined && (await openSockets(pid)).includes(`socket:[${inode}]`);
}

/** proc(5), /proc/net/tcp: the address in hexadecimal, state 0A is LISTEN, the inode is the tenth field. */
async function listeningInode(port: number): Promise<string | undefined> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = (await readFile('/proc/net/tcp', 'latin1')).split('\n').map((line) => line.trim().split(/\s+/));
  return sockets.find(([, address, , state]) => address === local && state === '0A')?.[9];
}

async function openSockets(pid: number): Promise<readonly string[]> {
  try {
    const folder = `/proc/${pid}/fd`;
    return await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  } catch {
    // It has ended: it listens to nothing.
    return [];
  }
}
