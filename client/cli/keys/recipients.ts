/** `keys add` and `keys retire`. */
import { identitiesAtHand } from '../../../activities/keys/at-hand.ts';
import { addRecipient, retireRecipient } from '../../keys/recipients.ts';
import type { Cli } from '../context.ts';
import { identityFiles } from './files.ts';

const ROTATE =
  'Backups that are there already: mosaic-backup keys rotate. The recovery kit changes too: mosaic-backup keys kit.';

export async function addCommand(cli: Cli, recipient: string): Promise<void> {
  const site = await cli.site();
  const recipients = await addRecipient({ site, env: cli.env, recipient });
  cli.out.result(
    { file: site.file, added: recipient, recipients },
    () => `${site.file} names ${recipients.length} recipients now`,
  );
  cli.out.note(ROTATE);
}

export async function retireCommand(cli: Cli, recipient: string, files: readonly string[] | undefined): Promise<void> {
  const site = await cli.site();
  const holders = await identitiesAtHand(site, identityFiles(cli, files));
  const recipients = await retireRecipient({ site, env: cli.env, recipient, holders, signal: cli.signal });
  cli.out.result(
    { file: site.file, retired: recipient, recipients },
    () => `${site.file} names ${recipients.length} recipients now`,
  );
  cli.out.note(ROTATE);
}
