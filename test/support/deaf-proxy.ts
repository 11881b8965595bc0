/** A socket before a server's own, by which a statement comes to the server, and its answer to nobody: as where a link breaks between the two. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface DeafProxy {
  /** How many answers were lost. */
  readonly lost: () => number;
  close(): Promise<void>;
}

/** Milliseconds for the server to do what it was told. */
const DONE = 1_000;

/** @param given the text in a statement whose answer is lost, once. */
export async function openDeafProxy(own: string, target: string, given: string): Promise<DeafProxy> {
  const sockets = new Set<Socket>();
  let lost = 0;
  const server = createServer((inner) => {
    const outer = connect(target);
    for (const one of [inner, outer]) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => (one === inner ? outer : inner).destroy());
    }
    inner.on('data', (chunk: Buffer) => {
      if (lost === 0 && chunk.includes(given)) {
        lost += 1;
        outer.unpipe(inner);
        outer.resume();
        void pause(DONE).then(() => inner.destroy());
      }
      outer.write(chunk);
    });
    outer.pipe(inner);
  });
  server.listen(own);
  await once(server, 'listening');
  return {
    lost: () => lost,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
