/** Ports of the loopback interface. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** One that nobody listens on now. */
export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** Whether somebody takes connections there. */
export async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    // Refused, or reset: nobody does.
    return false;
  } finally {
    socket.destroy();
  }
}
