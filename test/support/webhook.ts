/** A real HTTP server that keeps what is posted to it: alerts, and what hooks tell. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

export const posted = z.looseObject({
  alert: z.string(),
  state: z.string(),
  source: z.string().nullable(),
  message: z.string(),
  remedy: z.string(),
});
export type Posted = z.infer<typeof posted>;

export interface Webhook {
  readonly port: number;
  /** The alerts. */
  readonly received: readonly Posted[];
  /** What else was posted, answered well or not. */
  readonly told: readonly unknown[];
  /** Status of the next answers; default 204. */
  answer(status: number, headers?: Readonly<Record<string, string>>): void;
  stop(): Promise<void>;
}

export async function startWebhook(): Promise<Webhook> {
  const received: Posted[] = [];
  const told: unknown[] = [];
  let answer: { readonly status: number; readonly headers: Readonly<Record<string, string>> } = {
    status: 204,
    headers: {},
  };
  async function keep(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: unknown = JSON.parse(await text(request));
    const alert = posted.safeParse(body);
    if (!alert.success) told.push(body);
    else if (answer.status < 300) received.push(alert.data);
    response.writeHead(answer.status, answer.headers).end();
  }
  const server = createServer((request, response) => {
    void keep(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    received,
    told,
    answer: (status, headers = {}) => {
      answer = { status, headers };
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
