/** `keys kit | new`: the recovery kit, and new identities. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface KitOptions {
  readonly identity?: string;
  readonly confirm?: boolean;
}

export function registerKeys(program: Command, cli: OpenCli): void {
  const keys = program.command('keys').description('the recovery kit, and new keys');
  const kit = keys
    .command('kit')
    .description('print all that is needed to restore when this machine is gone; it holds the secret identity')
    .option('--identity <file>', 'the identity file to put in, rather than the one of the config')
    .option('--confirm', 'record that the kit is stored elsewhere; prints nothing secret')
    .action((options: KitOptions) => kitCommand(cli(), options));
  examples(kit, [
    ['keys kit | lp', 'on paper, for a safe'],
    ['keys kit --confirm', 'once it is stored away from this machine'],
  ]);
  const fresh = keys
    .command('new')
    .description('make an age identity in a new file (0600), and print its recipient')
    .argument('<file>', 'the file to make')
    .action((file: string) => newCommand(cli(), file));
  examples(fresh, [['keys new /media/usb/identity-third.txt', 'then add its recipient to encryption.recipients']]);
}

async function kitCommand(cli: Cli, { identity, confirm }: KitOptions): Promise<void> {
  const site = await cli.site();
  if (confirm) {
    const { confirmKit } = await import('../../backups/kit-confirmation.ts');
    const confirmed = await confirmKit(site);
    cli.out.result(
      { confirmed },
      () => `the recovery kit of "${site.config.site}" counts as stored elsewhere, from ${confirmed} on`,
    );
    return;
  }
  const [{ makeKit, kitText }, { siteIdentity }] = await Promise.all([
    import('../../backups/kit.ts'),
    import('../../../activities/keys/site-keys.ts'),
  ]);
  const identities = identity === undefined ? await siteIdentity(site) : await readIdentity(cli, identity);
  const kit = await makeKit(site, identities);
  const text = kitText(kit);
  cli.out.result({ kit, text }, () => text);
  cli.out.note(
    'This text opens every backup. Store it away from all machines of the site, then: mosaic-backup keys kit --confirm',
  );
}

async function readIdentity({ cwd }: Cli, file: string): Promise<string> {
  const [{ secretReader }, path] = await Promise.all([
    import('../../../activities/config/secrets.ts'),
    import('node:path'),
  ]);
  return secretReader({}).readSecret({ file: path.resolve(cwd, file) });
}

async function newCommand(cli: Cli, name: string): Promise<void> {
  const [{ writeIdentity }, path] = await Promise.all([import('../../init/keys.ts'), import('node:path')]);
  const file = path.resolve(cli.cwd, name);
  const recipient = await writeIdentity(file);
  cli.out.result({ file, recipient }, () => recipient);
  cli.out.note(
    `${file} is secret: keep it apart from backups. The line above is its recipient, for encryption.recipients.`,
  );
}
