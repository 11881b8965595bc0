/** `npm start`: the sample stack, or with -c FILE a site of the user's own. The bootstrap has set everything up. */
import { createCli } from '../../client/cli/context.ts';
import { failureOf, printFailure } from '../../client/cli/errors.ts';
import { parseArguments, USAGE, type QuickstartArguments } from './arguments.ts';
import { samplePlace } from './sample/place.ts';

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  // `npm start | head`: the reader has what it wants; what was started ends with this process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit());
  let parsed: QuickstartArguments | undefined;
  let problem: unknown;
  try {
    parsed = parseArguments(argv);
  } catch (error) {
    problem = error;
  }
  if (parsed?.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const { env, stdout, stderr } = process;
  const place = samplePlace(env);
  // npm changes into the checkout; a relative path is meant from where the user is.
  const cwd = env['INIT_CWD'] ?? process.cwd();
  const options = { config: parsed?.config ?? place.config, json: parsed?.json ?? argv.includes('--json') };
  const cli = createCli({ env, cwd, stdout, stderr, options: { ...options, verbose: parsed?.verbose ?? 0 } });
  try {
    if (!parsed) throw problem;
    if (parsed.config === undefined) await import('./sample.ts').then(({ sample }) => sample(cli, place, parsed));
    else await import('./own-site.ts').then(({ ownSite }) => ownSite(cli, parsed));
    process.exitCode = cli.status();
  } catch (error) {
    const failure = failureOf(error, cli.interrupt.received());
    printFailure(failure, cli.out, cli.redact);
    process.exitCode = failure.exit;
  }
  // Signals of ^C are still listened to, and nothing else may keep the process.
  process.exit();
}
