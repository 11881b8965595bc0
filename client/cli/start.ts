/** One run of the command line: arguments in, exit status out. */
import type { Command } from 'commander';
import { COMMANDS } from './commands.ts';
import { createCli, type Cli, type CliSetup, type GlobalOptions } from './context.ts';
import { failureOf, printFailure } from './errors.ts';
import { createProgram } from './program.ts';
import { usageError } from './usage.ts';

export interface Surroundings extends Omit<CliSetup, 'options'> {
  readonly version: string;
}

/** @param args without the names of Node and of the program. */
export async function startCommand(args: readonly string[], { version, ...setup }: Surroundings): Promise<number> {
  const { stdout, stderr } = setup;
  let cli: Cli | undefined;
  const program: Command = createProgram(COMMANDS, () => open(program.opts()), {
    version,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
  });

  function open(options: GlobalOptions): Cli {
    cli ??= createCli({ ...setup, options });
    return cli;
  }

  try {
    await program.parseAsync([...args], { from: 'user' });
    return cli?.status() ?? 0;
  } catch (error) {
    const usage = usageError(error, program, args);
    if (usage === 'shown') return 0;
    const { out, interrupt, redact } = cli ?? open({ json: args.includes('--json') });
    const failure = failureOf(usage ?? error, interrupt.received());
    printFailure(failure, out, redact);
    return failure.exit;
  } finally {
    cli?.interrupt.stop();
  }
}
