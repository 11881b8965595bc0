/** The sandbox of this machine's own programs: processes of an unprivileged user, cut off from every network. */
import { access, constants } from 'node:fs/promises';
import { socketFolder, startProcess } from './process.ts';
import type { ProcessSandbox } from './sandbox.ts';

export const PROCESSES: ProcessSandbox = {
  image: null,
  program: (program) => program,
  has: (file) =>
    access(file, constants.X_OK).then(
      () => true,
      // Whatever the reason, it cannot be started.
      () => false,
    ),
  start: startProcess,
  socketFolder,
  requireWhole: async () => undefined,
};
