/** `keys …`: who can open the backups, who signed them, and the recovery kit. */
import type { Command } from 'commander';
import { examples, several, type OpenCli } from '../command.ts';
import { registerRotation } from '../keys/rotation.ts';
import { registerSigning } from '../keys/signing.ts';

const IDENTITY = 'an identity file besides that of the config; may be given several times';

export function registerKeys(program: Command, cli: OpenCli): void {
  const keys = program.command('keys').description('who can open the backups, who signed them, and the recovery kit');
  const list = keys
    .command('list')
    .description('list recipients with what each opens at which place, signing keys, and whose identity is at hand')
    .option('--identity <file>', IDENTITY, several)
    .action(async (options: Identities) => (await import('../keys/list.ts')).listCommand(cli(), options.identity));
  const check = keys
    .command('check')
    .description(
      'open the key of every backup at every place; exit status 9 when one does not open, 10 when they should be rotated',
    )
    .option('--identity <file>', IDENTITY, several)
    .option('--destination <name>', 'only there ("repository" for the repository)')
    .action(async (options: Identities & Where) =>
      (await import('../keys/list.ts')).checkCommand(cli(), options.identity, options.destination),
    );
  const add = keys
    .command('add')
    .description('add a recipient to the config: what is made from now on opens for it too')
    .argument('<recipient>', 'age1…, as "keys new" or age-keygen printed it')
    .action(async (recipient: string) => (await import('../keys/recipients.ts')).addCommand(cli(), recipient));
  const retire = keys
    .command('retire')
    .description('take a recipient out of the config: nothing that is made from now on opens for it')
    .argument('<recipient>', 'age1…')
    .option('--identity <file>', IDENTITY, several)
    .action(async (recipient: string, options: Identities) =>
      (await import('../keys/recipients.ts')).retireCommand(cli(), recipient, options.identity),
    );
  registerRotation(keys, cli);
  registerSigning(keys, cli);
  const kit = keys
    .command('kit')
    .description('print all that is needed to restore when this machine is gone; it holds the secret identity')
    .option('--identity <file>', 'the identity file to put in, rather than the one of the config')
    .option('--page <file>', 'also write it as a page to print, with a QR code of each identity (HTML, 0600)')
    .option('--confirm', 'record that the kit is stored elsewhere; prints nothing secret')
    .action(async (options: KitOptions) => (await import('../keys/kit.ts')).kitCommand(cli(), options));
  const fresh = keys
    .command('new')
    .description('make an age identity in a new file (0600), and print its recipient')
    .argument('<file>', 'the file to make')
    .action(async (file: string) => (await import('../keys/kit.ts')).newCommand(cli(), file));
  examples(list, [['keys list --json | jq .recipients', 'with the reference of every backup that each opens']]);
  examples(check, [['keys check --identity /media/usb/identity-second.txt', 'the spare identity, once a year']]);
  examples(add, [['keys add age1…', 'then rotate, so that it opens what is there already']]);
  examples(retire, [['keys retire age1…', 'then rotate, so that what is there no longer opens for it']]);
  examples(kit, [
    ['keys kit | lp', 'on paper, for a safe'],
    ['keys kit --page /dev/shm/kit.html', 'the same with QR codes, to print from a browser'],
    ['keys kit --confirm', 'once it is stored away from this machine'],
  ]);
  examples(fresh, [['keys new /media/usb/identity-third.txt', 'then keys add with the recipient that it prints']]);
}

export interface Identities {
  readonly identity?: readonly string[];
}

interface Where {
  readonly destination?: string;
}

export interface KitOptions {
  readonly identity?: string;
  readonly page?: string;
  readonly confirm?: boolean;
}
