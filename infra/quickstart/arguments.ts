/** The arguments of `npm start -- …`. */
import { parseArgs } from 'node:util';
import { BackupError } from '../../model/errors.ts';

export interface QuickstartArguments {
  /** The user's own config; the sample when absent. */
  readonly config: string | undefined;
  /** End after the run, and leave nothing running. */
  readonly once: boolean;
  /** With a config: also restore into scratch and check. The sample is always proven. */
  readonly prove: boolean;
  readonly json: boolean;
  readonly verbose: number;
  readonly help: boolean;
}

export const USAGE = `npm start                        a sample stack: backed up, verified, restored, compared; then it keeps running
npm start -- --once              the same, and it ends by itself
npm start -- -c FILE [--once]    your own config: backed up and verified
npm start -- -c FILE --prove     … and restored into scratch, and checked

  -c, --config FILE   a config of your own (mosaic-backup init writes one)
      --once          end after the run; deadlines of retries are a minute
      --prove         with -c: also restore into scratch, after a look at the free space
      --json          print one JSON document on stdout
  -v, --verbose       say more on stderr

The sample lives in a folder below /var/tmp; MOSAIC_SAMPLE names another.`;

/** @throws BackupError `usage`. */
export function parseArguments(argv: readonly string[]): QuickstartArguments {
  const { values } = read(argv);
  const { config, once = false, prove = false, json = false, verbose = [], help = false } = values;
  if (prove && config === undefined) throw usage('--prove goes with -c FILE: the sample is always proven');
  return { config, once, prove, json, verbose: verbose.length, help };
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string', short: 'c' },
        once: { type: 'boolean' },
        prove: { type: 'boolean' },
        json: { type: 'boolean' },
        verbose: { type: 'boolean', short: 'v', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(message: string): BackupError {
  return new BackupError('usage', message, { remedy: 'See: npm start -- --help' });
}
