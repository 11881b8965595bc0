/** A link to a server of this machine that counts what goes through, can be slowed, cut in the middle, and stalled. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SlowLink {
  readonly port: number;
  /** Bytes that clients have sent through it so far. */
  readonly sent: () => number;
  /** At most so many bytes a second towards the server. */
  slow(bytesPerSecond: number | undefined): void;
  /** Cuts every connection once so many more bytes have gone towards the server; new ones go through. */
  cutAfter(bytes: number): void;
  /** Passes nothing on any more, either way, and says nothing: a cable that was pulled. */
  stall(): void;
  /** Passes all on again. */
  mend(): void;
  close(): Promise<void>;
}

export async function openSlowLink(port: number): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  let sent = 0;
  let rate: number | undefined;
  let cutAt = Number.POSITIVE_INFINITY;
  let stalled: PromiseWithResolvers<void> | undefined;

  async function pass(from: Socket, to: Socket, counts: boolean): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      await stalled?.promise;
      if (counts) {
        sent += chunk.length;
        if (rate !== undefined) await sleep((chunk.length / rate) * 1000);
        if (sent >= cutAt) {
          cutAt = Number.POSITIVE_INFINITY;
          for (const socket of sockets) socket.resetAndDestroy();
        }
      }
      if (!to.write(chunk)) await once(to, 'drain');
    }
    to.end();
  }

  const server = createServer((inner) => {
    const outer = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(one);
      // Either side's end, by whatever error, is the end of both.
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    pass(inner, outer, true).catch(() => inner.destroy());
    pass(outer, inner, false).catch(() => outer.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    sent: () => sent,
    slow: (bytesPerSecond) => (rate = bytesPerSecond),
    cutAfter: (bytes) => (cutAt = sent + bytes),
    stall: () => (stalled ??= Promise.withResolvers()),
    mend() {
      stalled?.resolve();
      stalled = undefined;
    },
    async close() {
      stalled?.resolve();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
