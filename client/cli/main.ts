#!/usr/bin/env node
/** The entry of the command line. */
import { productVersion } from '../../activities/version.ts';
import { COMMANDS } from './commands.ts';
import { createCli, type Cli } from './context.ts';
import { failureOf, printFailure } from './errors.ts';
import { createProgram } from './program.ts';
import { usageError } from './usage.ts';

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
