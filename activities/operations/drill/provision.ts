/** Where a drill recovers is made ready: its folder, whatever the user installs, and the identity that opens everything. */
import type { DrillInput } from '../../../model/drill/drill.ts';
import { BackupError } from '../../../model/errors.ts';
import { identityLines, recipientOf } from '../../keys/identity.ts';
import { siteIdentity } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { locate } from '../../streams/locate.ts';
import { runProgram } from '../../streams/run.ts';
import type { Work } from '../../work.ts';
import { makeSandbox, openLeft } from './sandbox.ts';
import { sweepOthers } from './sweep.ts';

/** What every recovery needs, whatever it recovers. */
const NEEDED = ['age', 'zstd', 'tar'];

/**
 * Installing what is missing counts: the clock runs.
 * @throws BackupError `refused` where nothing is left, `missing-identity`, `missing-program`, `program-failed` of what the user has run.
 */
export async function provision(site: Site, input: DrillInput, work: Work): Promise<void> {
  for (const [index, { command, timeout }] of site.config.plans.drill.provision.entries()) {
    const [program = '', ...args] = command;
    work.progress({ phase: `running ${program}`, bytes: 0, total: null, activity: index });
    await runProgram({ command: program, args }, { timeout, signal: work.signal, quiet: true });
  }
  for (const program of NEEDED) locate(program);
  await sweepOthers(site, input);
  await makeSandbox(site, input);
  await requireRecipient(await openLeft(site, input), input);
}

/** That the identity is one of the site's, and in `key-lost` not the one of every day, is known before anything is fetched. */
async function requireRecipient(left: Site, { scenario }: DrillInput): Promise<void> {
  const { recipients } = left.config.encryption;
  const own = await Promise.all(identityLines(await siteIdentity(left)).map(recipientOf));
  const opening = recipients.filter((recipient) => own.includes(recipient));
  if (opening.length === 0) {
    throw new BackupError('missing-identity', 'The identity is none of the recipients that the config names.', {
      remedy: 'Look for the one in the recovery kit; mosaic-backup keys list shows the recipients.',
    });
  }
  if (scenario !== 'key-lost' || opening.length < recipients.length) return;
  throw new BackupError('refused', 'The second identity is to open everything alone, and its file holds them all.', {
    remedy: 'Let plans.drill.secondIdentity name a file with the second identity alone.',
  });
}
