/** Waits of what proves backups: restore tests, and drills. */
import { heartbeat, wait } from './fields.ts';

export const proofWaits = {
  deadline: wait.prefault('12h').describe('how long a step is tried again'),
  retryFirst: wait.prefault('5s').describe('the first pause between two attempts'),
  retryMax: wait.prefault('5m').describe('the longest pause between two attempts'),
  heartbeat: heartbeat.prefault('30s').describe('a worker that is silent for so long is dead'),
  standstill: wait
    .prefault('30m')
    .describe('children that neither move bytes nor use CPU or I/O for so long are ended'),
  alertAfter: wait.prefault('1h').describe('a step that fails and waits for so long is an alert'),
  remindAfter: wait.prefault('1d').describe('an alert that lasts is told again after so long'),
};
