/** `keys revoke`, and `keys rotate --signing`. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

export function registerSigning(keys: Command, cli: OpenCli): void {
  const revoke = keys
    .command('revoke')
    .description('no longer believe a signing key: what it signed counts as made by whoever has it')
    .argument('<key>', 'its name of 16 hex digits, or the public key')
    .option('--since <time>', 'what says that it was signed before then is still believed (RFC 3339)')
    .action((key: string, options: { readonly since?: string }) => revokeCommand(cli(), key, options.since));
  examples(revoke, [
    ['keys revoke 0123456789abcdef', 'the key of a host that was broken into'],
    [
      'keys revoke 0123456789abcdef --since 2026-11-23T02:00:00Z',
      'keep what is older; a thief can write an older time',
    ],
  ]);
}

async function revokeCommand(cli: Cli, key: string, since: string | undefined): Promise<void> {
  const { revokeSigning } = await import('../../keys/signing.ts');
  const site = await cli.site();
  const revoked = await revokeSigning({ site, env: cli.env, key, since });
  cli.out.result(
    { file: site.file, ...revoked },
    () =>
      `${revoked.keyId} is revoked in ${site.file}${revoked.since === null ? '' : `, for what it signed since ${revoked.since}`}`,
  );
  if (revoked.own)
    cli.out.note(
      'It is the key of this host, which makes no backup until it has a new one: mosaic-backup keys rotate --signing',
    );
  if (revoked.since !== null)
    cli.out.note(
      'The time stands in what is signed: whoever has the key can write an older one. Look at "mosaic-backup list" for backups that you do not know.',
    );
  cli.out.note('Do the same in the config of every other host of the site.');
}

export async function rotateSigningCommand(cli: Cli, dryRun: boolean): Promise<void> {
  const { replaceableKey, rotateSigning } = await import('../../keys/signing.ts');
  const site = await cli.site();
  if (dryRun) {
    const key = replaceableKey(site);
    cli.out.result(
      { dryRun, key, config: site.file },
      () => `would make a new signing key beside ${key}, and name it in ${site.file}, which would trust both`,
    );
    return;
  }
  const made = await rotateSigning(site, cli.env);
  cli.out.result({ ...made, config: site.file }, () => made.publicKey);
  cli.out.note(
    `${made.file} signs from now on; what the key before it signed stays good. Restart "up" or "worker" only if it does not read ${site.file}.`,
  );
  cli.out.note(
    'Add the line above to signing.trusted in the config of every other host, and make a new recovery kit: mosaic-backup keys kit',
  );
}
