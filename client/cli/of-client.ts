/** What a worker is given that only a client has. */
import type { OfClient } from '../../activities/backup.ts';
import { withPausing } from '../schedules/pausing.ts';
import { ownCommand } from './own-command.ts';

export const ofClient: OfClient = {
  commandLine: ownCommand,
  withSchedules: (of, use) => withPausing({ ...of, env: process.env }, use),
};
