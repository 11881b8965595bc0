/** `keys kit` and `keys new`. */
import path from 'node:path';
import { secretReader } from '../../../activities/config/secrets.ts';
import { siteIdentity } from '../../../activities/keys/site-keys.ts';
import { makeKit } from '../../backups/kit.ts';
import { confirmKit } from '../../backups/kit-confirmation.ts';
import { writeKitPage } from '../../backups/kit-page.ts';
import { kitText } from '../../backups/kit-text.ts';
import { writeIdentity } from '../../init/keys.ts';
import type { KitOptions } from '../commands/keys.ts';
import type { Cli } from '../context.ts';

export async function kitCommand(cli: Cli, { identity, page, confirm }: KitOptions): Promise<void> {
  const site = await cli.site();
  if (confirm) {
    const confirmed = await confirmKit(site);
    cli.out.result(
      { confirmed },
      () => `the recovery kit of "${site.config.site}" counts as stored elsewhere, from ${confirmed} on`,
    );
    return;
  }
  const identities =
    identity === undefined
      ? await siteIdentity(site)
      : await secretReader({}).readSecret({ file: path.resolve(cli.cwd, identity) });
  const kit = await makeKit(site, identities);
  const text = kitText(kit);
  if (page === undefined) cli.out.result({ kit, text }, () => text);
  else {
    const file = path.resolve(cli.cwd, page);
    await writeKitPage(file, kit);
    cli.out.result({ page: file }, () => file);
  }
  cli.out.note(
    `This ${page === undefined ? 'text' : 'page'} opens every backup. Store it away from all machines of the site, then: mosaic-backup keys kit --confirm`,
  );
}

export async function newCommand(cli: Cli, name: string): Promise<void> {
  const file = path.resolve(cli.cwd, name);
  const recipient = await writeIdentity(file);
  cli.out.result({ file, recipient }, () => recipient);
  cli.out.note(
    `${file} is secret: keep it apart from backups. The line above is its recipient, for encryption.recipients.`,
  );
}
