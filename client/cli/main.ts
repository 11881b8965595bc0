#!/usr/bin/env node
/** The entry of the command line. */
import { productVersion } from '../../activities/version.ts';
import type { Register } from './command.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConfig } from './commands/config.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerInit } from './commands/init.ts';
import { registerKeys } from './commands/keys.ts';
import { registerList } from './commands/list.ts';
import { registerRestore } from './commands/restore.ts';
import { registerRun } from './commands/run.ts';
import { registerShow } from './commands/show.ts';
import { registerStatus } from './commands/status.ts';
import { registerUp } from './commands/up.ts';
import { registerVerify } from './commands/verify.ts';
import { registerWorker } from './commands/worker.ts';
import { createCli, type Cli } from './context.ts';
import { failureOf, printFailure } from './errors.ts';
import { createProgram } from './program.ts';
import { usageError } from './usage.ts';

/** In the order of help. */
const COMMANDS: readonly Register[] = [
  registerInit,
  registerConfig,
  registerDoctor,
  registerUp,
  registerWorker,
  registerRun,
  registerList,
  registerShow,
  registerVerify,
  registerRestore,
  registerStatus,
  registerKeys,
  registerCompletion,
];

await main(process.argv);

async function main(argv: readonly string[]): Promise<void> {
  // `mosaic-backup list | head`: the reader has what it wants.
  process.stdout.on('error', leaveQuietly);
  process.stderr.on('error', leaveQuietly);
  let cli: Cli | undefined;
  const program = createProgram(COMMANDS, open, productVersion);

  function open(options = program.opts()): Cli {
    const { env, stdout, stderr } = process;
    cli ??= createCli({ env, cwd: process.cwd(), options, stdout, stderr });
    return cli;
  }

  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    const usage = usageError(error);
    if (usage === 'shown') return;
    const { out, interrupt, redact } = cli ?? open({ json: argv.includes('--json') });
    const failure = failureOf(usage ?? error, interrupt.received());
    printFailure(failure, out, redact);
    process.exitCode = failure.exit;
  }
}

function leaveQuietly(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') process.exit();
  throw error;
}
