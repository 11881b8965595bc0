/** A front of a Temporal server that speaks TLS, asks for a client certificate, and sees what is sent: the dev server itself has no TLS. */
import { execa } from 'execa';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import {
  connect,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Certificates {
  /** Files, PEM. */
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

const MAKE = fileURLToPath(new URL('../../infra/compose/make-certificates.sh', import.meta.url));

/** A new authority, with a certificate for `temporal.test` and one for a client: as the compose file has them. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  await execa('sh', [MAKE, folder, 'temporal', 'temporal.test']);
  const file = (name: string) => path.join(folder, name);
  return {
    ca: file('ca.pem'),
    server: { cert: file('server.pem'), key: file('server.key') },
    client: { cert: file('client.pem'), key: file('client.key') },
  };
}

export interface TlsFront {
  readonly address: string;
  /** The header `authorization` of each request that came through, in their order. */
  readonly keys: readonly (string | undefined)[];
  close(): Promise<void>;
}

/** @param target address of a server without TLS. */
export async function startTlsFront(target: string, { ca, server: pair }: Certificates): Promise<TlsFront> {
  const keys: (string | undefined)[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const upstream = connect(`http://${target}`);
  upstream.on('error', () => undefined);
  const [key, cert, authority] = await Promise.all([readFile(pair.key), readFile(pair.cert), readFile(ca)]);
  const server = createSecureServer({ key, cert, ca: authority, requestCert: true, rejectUnauthorized: true });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.on('close', () => sessions.delete(session));
  });
  // Whoever is turned away in the handshake.
  server.on('sessionError', () => undefined);
  server.on('tlsClientError', () => undefined);
  server.on('stream', forward);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  if (typeof at !== 'object' || at === null) throw new Error('no port');

  function forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    keys.push(headers.authorization);
    const request = upstream.request({ ...headers, ':scheme': 'http' });
    let trailers: IncomingHttpHeaders = {};
    const end = () => {
      if (!request.closed) request.close(constants.NGHTTP2_CANCEL);
      if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    };
    stream.on('error', end);
    request.on('error', end);
    stream.on('aborted', end);
    request.on('trailers', (sent) => {
      trailers = sent;
    });
    request.on('response', (response, flags) => {
      if (stream.destroyed) return;
      // An error of gRPC may be nothing but headers.
      if (flags & constants.NGHTTP2_FLAG_END_STREAM) {
        stream.respond(response, { endStream: true });
        return;
      }
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.respond(response, { waitForTrailers: true });
      request.pipe(stream);
    });
    stream.pipe(request);
  }

  return {
    address: `127.0.0.1:${at.port}`,
    keys,
    async close() {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
