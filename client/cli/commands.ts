/** Every command, in the order of help. A new one is a file in commands/ and a line here. */
import type { Register } from './command.ts';
import { registerBrowse } from './commands/browse.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConfig } from './commands/config.ts';
import { registerCopies } from './commands/copies.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDrill } from './commands/drill.ts';
import { registerHold } from './commands/hold.ts';
import { registerImport } from './commands/import.ts';
import { registerInit } from './commands/init.ts';
import { registerKeys } from './commands/keys.ts';
import { registerList } from './commands/list.ts';
import { registerPrune } from './commands/prune.ts';
import { registerRestore } from './commands/restore.ts';
import { registerRun } from './commands/run.ts';
import { registerRunbook } from './commands/runbook.ts';
import { registerRuns } from './commands/runs.ts';
import { registerSchedules } from './commands/schedules.ts';
import { registerShow } from './commands/show.ts';
import { registerStatus } from './commands/status.ts';
import { registerTestRestore } from './commands/test-restore.ts';
import { registerUp } from './commands/up.ts';
import { registerVerify } from './commands/verify.ts';
import { registerWatchdog } from './commands/watchdog.ts';
import { registerWorker } from './commands/worker.ts';

export const COMMANDS: readonly Register[] = [
  registerInit,
  registerConfig,
  registerDoctor,
  registerUp,
  registerWorker,
  registerRun,
  registerRuns,
  registerSchedules,
  registerList,
  registerShow,
  registerBrowse,
  registerVerify,
  registerCopies,
  registerRestore,
  registerTestRestore,
  registerDrill,
  registerRunbook,
  registerPrune,
  registerHold,
  registerStatus,
  registerWatchdog,
  registerImport,
  registerKeys,
  registerCompletion,
];
