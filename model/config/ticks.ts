/** The plans that come in short ticks: shipping of logs, and catch-up of copies. */
import { z } from 'zod';
import { duration, size } from '../units.ts';
import { heartbeat, wait } from './fields.ts';

/** Milliseconds. A schedule's catch-up window, which must be shorter than its interval, has at least ten seconds. */
const SHORTEST_TICK = 20_000;

export const logsPlan = z.strictObject({
  every: duration
    .refine(
      (milliseconds) => milliseconds >= SHORTEST_TICK && milliseconds % 1000 === 0,
      'shipping cannot be due so often\nWrite whole seconds, 20s or more, as in 5m.',
    )
    .prefault('5m')
    .describe('how often logs are shipped: about so much, in time, can be lost'),
  workerDeadline: wait
    .prefault('30s')
    .describe("how long a tick waits for a source's worker; the next tick does its work"),
  retryFirst: wait.prefault('2s').describe('the pause before the one further attempt'),
  heartbeat: heartbeat.prefault('30s').describe('a worker that is silent for so long is dead'),
  standstill: wait.prefault('2m').describe('children that neither move bytes nor use CPU or I/O for so long are ended'),
  busy: duration.prefault('5s').describe('how long to wait for another shipping of the same source'),
  stalledAfter: z
    .number()
    .min(0.1)
    .prefault(3)
    .describe('logs that are so many intervals old are an alert: shipping has stalled'),
  remindAfter: wait.prefault('1h').describe('an alert that lasts is told again after so long'),
  spareSpace: size.prefault('1GiB').describe('less free space in the repository or in state is an alert'),
  serverSpace: size
    .prefault('2GiB')
    .describe("less free space where a server's data or logs lie is an alert, as far as this host sees them"),
  slotUse: z
    .number()
    .min(0.01)
    .max(1)
    .prefault(0.5)
    .describe('a PostgreSQL slot that keeps so much of what it may (max_slot_wal_keep_size) is an alert'),
});

export const catchUpPlan = z
  .strictObject({
    every: duration
      .refine(
        (milliseconds) => milliseconds >= SHORTEST_TICK && milliseconds % 1000 === 0,
        'copies cannot be due so often\nWrite whole seconds, 20s or more, as in 15m.',
      )
      .prefault('15m')
      .describe('how often destinations are looked at, and what they lack is copied'),
    deadline: wait.prefault('10m').describe('a step begins no further copy after so long; the next one goes on'),
    workerDeadline: wait
      .prefault('30s')
      .describe("how long a step waits for a host's worker; the next tick does its work"),
    retryFirst: wait.prefault('2s').describe('the pause before the one further attempt'),
    heartbeat: heartbeat.prefault('30s').describe('a worker that is silent for so long is dead'),
    standstill: wait.prefault('10m').describe('a copy that moves nothing for so long is ended'),
    remindAfter: wait.prefault('1d').describe('an alert that lasts is told again after so long'),
  })
  .prefault({});
