/** That the operator means this site: its name is typed, or given by --confirm. */
import { createInterface } from 'node:readline/promises';
import { BackupError } from '../../../model/errors.ts';

/**
 * @param given of --confirm.
 * @throws BackupError `aborted` for another name, `usage` where there is no terminal to ask at.
 */
export async function confirmSite({
  site,
  given,
  signal,
}: {
  readonly site: string;
  readonly given: string | undefined;
  readonly signal: AbortSignal;
}): Promise<void> {
  if (given === undefined && !process.stdin.isTTY) {
    throw new BackupError(
      'usage',
      'A restore in place asks for the name of the site, and there is no terminal to ask at.',
      {
        remedy: `Add --confirm with the name of the site, as it stands in the config.`,
      },
    );
  }
  const answer = given ?? (await ask(signal));
  if (answer === site) return;
  throw new BackupError('aborted', `This is not the site "${answer}". Nothing was changed.`, {
    remedy: 'Look which config is used (-c), and type the name that stands there as "site".',
  });
}

async function ask(signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question('Type the name of the site to go on: ', { signal })).trim();
  } finally {
    terminal.close();
  }
}
