/** Requests and answers of the stand-in for Glacier. */
import type { IncomingMessage } from 'node:http';

/** A request as the stand-in has read it. */
export interface Asked {
  readonly method: string;
  /** Parts of its path: account, `vaults`, name, and so on. */
  readonly path: readonly string[];
  /** Where a listing goes on. */
  readonly marker?: string | null;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export function failure(status: number, code: string, message: string): Answer {
  const body = Buffer.from(JSON.stringify({ code, message, type: 'Client' }));
  return { status, headers: { 'content-type': 'application/json', 'x-amzn-errortype': code }, body };
}
