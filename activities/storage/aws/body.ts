/** The body of a request as a stream, made anew for each attempt: it can be slowed down, and tells what went out. */
import { Readable } from 'node:stream';
import type { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Pace } from '../rate.ts';

/** Small enough for a smooth stream at a low rate, large enough to cost nothing at a high one. */
const CHUNK = 256 * 1024;

export interface Body {
  readonly bytes: Uint8Array;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Called with the bytes that went out in this attempt so far; with 0 when one begins. */
  readonly sent: (bytes: number) => void;
}

/**
 * Gives a command its body. The signature does not cover it, but the checksum in the headers, by which the server refuses
 * other bytes: hashed for the signature as well, a server took a fifth more CPU.
 * @param signed the SHA-256 of the body in hex, where a server wants the signature to cover it.
 */
export function withBody<Command extends { readonly middlewareStack: unknown }>(
  command: Command,
  body: Body,
  signed = 'UNSIGNED-PAYLOAD',
): Command {
  // What is added looks at the request alone, which is the same of every command.
  const middlewareStack = command.middlewareStack as PutObjectCommand['middlewareStack'];
  middlewareStack.add(
    (next) => (args) => {
      headersOf(args.request)['x-amz-content-sha256'] = signed;
      return next(args);
    },
    { step: 'build', name: 'bodyDigest' },
  );
  // Below the retries, where each attempt comes by; above, the body is plain bytes, which the SDK may send again.
  middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (typeof request !== 'object' || request === null) throw noRequest();
      return next({
        ...args,
        request: Object.assign(Object.create(Object.getPrototypeOf(request)), request, { body: streamOf(body) }),
      });
    },
    { step: 'deserialize', priority: 'low', name: 'bodyStream' },
  );
  return command;
}

function headersOf(request: unknown): Record<string, string> {
  if (typeof request !== 'object' || request === null || !('headers' in request)) throw noRequest();
  return request.headers as Record<string, string>; // as every request of the SDK has them
}

function noRequest(): TypeError {
  return new TypeError('the SDK made a request of an unknown shape');
}

function streamOf(body: Body): Readable {
  if (body.bytes.length === 0) return Readable.from([]);
  return Readable.from(chunks(body), { objectMode: false, highWaterMark: CHUNK });
}

async function* chunks({ bytes, pace, signal, sent }: Body): AsyncGenerator<Uint8Array> {
  sent(0);
  for (let offset = 0; offset < bytes.length; offset += CHUNK) {
    const chunk = bytes.subarray(offset, offset + CHUNK);
    try {
      await pace(chunk.length, signal);
    } catch {
      // The request is being given up, and its stream with it.
      return;
    }
    yield chunk;
    sent(offset + chunk.length);
  }
}
