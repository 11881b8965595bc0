/** A TCP proxy in the test's own process: a link that can be cut, can stall, and counts. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** Ends every connection and lets none through, as a broken link does. */
  cut(): void;
  /** Lets connections through again; those that stalled stay dead. */
  mend(): void;
  /** Lets nothing through any more, and closes nothing: a link that has died without a word. */
  stall(): void;
  /** Changes one byte of a large body that goes to the target, once. */
  garble(): void;
  /** Bytes that went to the target so far. */
  sent(): number;
  close(): Promise<void>;
}

/** Bytes in one piece that hold more than the head of a request. */
const LARGE = 32_768;

/** Opens a proxy to an address on this machine. */
export async function openProxy(target: string): Promise<Proxy> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  let isStalled = false;
  let isGarbling = false;
  let sent = 0;

  function keep(socket: Socket, other: Socket): void {
    sockets.add(socket);
    // Either side's end, by whatever error, is the end of both.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  }
  /** What is on its way waits in the sockets. */
  function stallOne(socket: Socket): void {
    socket.unpipe();
    socket.pause();
  }
  function cut(): void {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  }

  const server = createServer((inner) => {
    if (isCut) {
      inner.destroy();
      return;
    }
    const outer = connect(Number(port), host);
    keep(inner, outer);
    keep(outer, inner);
    inner.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      if (!isGarbling || chunk.length < LARGE) return;
      isGarbling = false;
      const at = chunk.length - 10;
      // The very memory that is piped on.
      chunk.writeUInt8(chunk.readUInt8(at) ^ 1, at);
    });
    inner.pipe(outer).pipe(inner);
    if (isStalled) stallOne(inner);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    address: `127.0.0.1:${address.port}`,
    cut,
    mend() {
      isCut = false;
      isStalled = false;
    },
    stall() {
      isStalled = true;
      for (const socket of sockets) stallOne(socket);
    },
    garble() {
      isGarbling = true;
    },
    sent: () => sent,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
