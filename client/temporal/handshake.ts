/** Why TLS to Temporal fails: gRPC itself only says that there was no connection in time. */
import type { NativeConnectionOptions } from '@temporalio/worker';
import { connect, type TLSSocket } from 'node:tls';

/** Milliseconds for a handshake, and for a server to turn away whoever it does not know after it. */
const [PATIENCE, SECOND_THOUGHTS] = [3000, 500];

/** In words of the TLS library; null where the handshake succeeds, the server is not there, or there is no TLS. */
export async function whyTlsFails({ address, tls }: NativeConnectionOptions): Promise<string | null> {
  if (address === undefined || !tls) return null;
  const { hostname, port } = new URL(`tls://${address}`);
  const { serverNameOverride, serverRootCACertificate, clientCertPair } = tls === true ? {} : tls;
  const host = hostname.replaceAll(/[[\]]/g, '');
  const socket = connect({
    host,
    port: Number(port || 7233),
    // An address is no name that a server could be asked for.
    ...(serverNameOverride !== undefined && { servername: serverNameOverride }),
    ...(serverRootCACertificate && { ca: Buffer.from(serverRootCACertificate) }),
    ...(clientCertPair && { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) }),
    ALPNProtocols: ['h2'],
  });
  try {
    return await outcome(socket);
  } finally {
    socket.destroy();
  }
}

function outcome(socket: TLSSocket): Promise<string | null> {
  return new Promise((resolve) => {
    socket.setTimeout(PATIENCE, () => resolve(null));
    // With TLS 1.3 a server looks at our certificate when we think that all is done.
    socket.once('secureConnect', () => {
      setTimeout(() => resolve(null), SECOND_THOUGHTS);
      socket.once('close', () => resolve('the server ended the connection: it does not know our certificate'));
      // Until it is read from, its end is not noticed.
      socket.resume();
    });
    socket.once('error', (error) => resolve(isOfTls(error) ? inWords(error) : null));
  });
}

function inWords({ message }: Error): string {
  return message.includes('wrong version number') ? 'the server there speaks no TLS: leave temporal.tls out' : message;
}

/** What comes of the network is said by the caller in its own words. */
function isOfTls(error: Error): boolean {
  return !('syscall' in error) || ('code' in error && error.code === 'ECONNRESET');
}
