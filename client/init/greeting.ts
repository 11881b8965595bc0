/** What a server says to somebody who connects, before any login: by that it is known for what it is. */
import { createConnection } from 'node:net';
import { errnoOf } from '../../activities/storage/fs-errors.ts';
import type { Endpoint } from './found.ts';

export type Answer = { readonly said: string } | { readonly closed: true } | undefined;

const PATIENCE = 1_000;

/** @returns `closed` where it may not be reached by this user; undefined where nobody answers in time. */
export function greeting(at: Endpoint, say = ''): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const connection = createConnection('socket' in at ? { path: at.socket } : { host: '127.0.0.1', port: at.port });
  connection.setTimeout(PATIENCE);
  connection.once('connect', () => connection.write(say));
  connection.once('data', (data) => resolve({ said: data.toString('latin1') }));
  connection.once('timeout', () => resolve(undefined));
  connection.once('close', () => resolve(undefined));
  connection.once('error', (error) => resolve(errnoOf(error) === 'EACCES' ? { closed: true } : undefined));
  return promise.finally(() => connection.destroy());
}
