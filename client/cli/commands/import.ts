/** `import FILE`: an archive that was made by hand, as a backup. */
import type { Command } from 'commander';
import type { Secret } from '../../../model/config/secret.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface ImportOptions {
  readonly source: string;
  readonly password: string;
  readonly at?: string;
  readonly iter?: string;
}

export function registerImport(program: Command, cli: OpenCli): void {
  const command = program
    .command('import')
    .description(
      'take in an archive made by "openssl enc -aes-256-cbc" (tar.gz inside) as a backup of a source of files',
    )
    .argument('<file>', 'the archive')
    .requiredOption('--source <name>', 'a source of the type files')
    .requiredOption('--password <where>', 'where its password is read from: file:PATH, env:NAME, credential:NAME')
    .option('--at <time>', 'when it was made (RFC 3339); else when the file was last written')
    .option('--iter <count>', 'what was given as -iter, if anything')
    .action((file: string, options: ImportOptions) => importCommand(cli(), file, options));
  examples(command, [
    [
      'import backup.tar.gz.enc --source stack --password file:/root/old-password',
      'the password is the first line of a file',
    ],
    ['import old.enc --source stack --password env:OLD --at 2025-06-01T02:00:00Z', 'with the time that it was made'],
  ]);
}

async function importCommand(cli: Cli, name: string, options: ImportOptions): Promise<void> {
  const [
    { importArchive },
    { DEFAULT_ITERATIONS },
    { wholeSeconds, scheduledTime },
    { stat },
    path,
    { formatReference },
    units,
  ] = await Promise.all([
    import('../../../activities/operations/import/index.ts'),
    import('../../../activities/operations/import/openssl.ts'),
    import('../../../model/time.ts'),
    import('node:fs/promises'),
    import('node:path'),
    import('../../../model/reference.ts'),
    import('../../../model/units.ts'),
  ]);
  const site = await cli.site();
  const file = path.resolve(cli.cwd, name);
  const iterations = await countOf(options.iter, DEFAULT_ITERATIONS);
  const password = await site.readSecret(await secretOf(options.password, path.resolve.bind(null, cli.cwd)));
  const written = await stat(file).catch(() => undefined);
  const scheduled = options.at === undefined ? wholeSeconds(written?.mtimeMs ?? Date.now()) : scheduledTime(options.at);
  const manifest = await importArchive({
    site,
    source: options.source,
    file,
    password,
    scheduled,
    iterations,
    work: await cli.work(),
  });
  const reference = formatReference(manifest);
  const plain = manifest.artifacts.find(({ role }) => role === 'base')?.plainBytes ?? 0;
  cli.out.result(
    { reference, engine: manifest.engine, warnings: manifest.warnings },
    () => `${reference}: ${units.formatBytes(plain)} taken in`,
  );
  for (const { message } of manifest.warnings) cli.out.note(message);
  cli.out.note(
    'Copies of it follow with: mosaic-backup verify and the next catch-up. Delete the old archive only once both are done.',
  );
}

async function countOf(text: string | undefined, otherwise: number): Promise<number> {
  const count = text === undefined ? otherwise : Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', `"${text}" is no count of iterations`, { remedy: 'Write a number above zero.' });
}

/** Where a secret comes from, never the secret itself: an argument is seen by everybody on the machine. */
async function secretOf(text: string, resolved: (file: string) => string): Promise<Secret> {
  const [, form, rest = ''] = /^(file|env|credential):(.+)$/s.exec(text) ?? [];
  if (form === 'file') return { file: resolved(rest) };
  if (form === 'env') return { env: rest };
  if (form === 'credential') return { credential: rest };
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', 'That is no place to read a password from.', {
    remedy: 'Write file:PATH, env:NAME or credential:NAME; the password itself never stands in a command.',
  });
}
