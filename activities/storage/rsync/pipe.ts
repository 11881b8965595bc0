/** Small inputs of programs. */
import { Socket } from 'node:net';
import { finished } from 'node:stream/promises';

/** Writes all of a text into a pipe and ends it. Takes over the descriptor. */
export async function writeAll(fd: number, text: string): Promise<void> {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.end(text);
  await finished(socket, { readable: false });
}
