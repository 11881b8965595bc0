/** What a config says of workers: how much at once, how they end, and where their metrics are. */
import { z } from 'zod';
import { wait } from './fields.ts';

const captures = z
  .int()
  .min(1)
  .max(64)
  .describe('captures and verifications at once on a host: as many as it has cores, two at least and eight at most');

/** `127.0.0.1:9464`, `[::1]:9464`. A name would listen wherever a resolver says. */
const LISTEN = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9A-Fa-f:.]+)\]):(\d{1,5})$/;

export const metricsConfig = z
  .strictObject({
    listen: z
      .string()
      .regex(LISTEN, 'not an address to listen on\nWrite address:port, as in 127.0.0.1:9464.')
      .refine((listen) => Number(LISTEN.exec(listen)?.[3]) < 65_536, 'there is no such port')
      .describe('address:port of the metrics for Prometheus; nobody is asked for a password there'),
  })
  .describe('absent: there are none');

export const workerConfig = z
  .strictObject({
    captures: captures.optional(),
    grace: wait
      .prefault('10s')
      .describe('so long short steps may take to end when a worker is stopped; long ones are handed back at once'),
  })
  .prefault({})
  .describe('the workers of all hosts');

/** What may differ on one host. */
export const ofHost = { captures: captures.optional(), metrics: metricsConfig.optional() };

/** The parts of an address that passed the schema. */
export function listenOf(listen: string): { readonly host: string; readonly port: number } {
  const [, four, six = '', port] = LISTEN.exec(listen) ?? [];
  return { host: four ?? six, port: Number(port) };
}
