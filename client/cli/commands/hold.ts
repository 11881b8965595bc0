/** `hold REF`, `unhold REF`: a legal hold, which keeps a backup whatever the rules say. */
import type { Command } from 'commander';
import type { MarkKind } from '../../../model/mark.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface HoldOptions {
  readonly reason: string;
}

export function registerHold(program: Command, cli: OpenCli): void {
  const hold = program
    .command('hold')
    .description('keep a backup, and what it builds on, until `unhold`: at every place, whatever the rules say')
    .argument('<reference>', 'a backup (<tier>/<source>/<id>, or shorter where unique)')
    .requiredOption('--reason <text>', 'why, for those who read it later')
    .action((reference: string, options: HoldOptions) => markCommand(cli(), 'hold', reference, options));
  examples(hold, [['hold postgres/20261123 --reason "case 4711"', 'prune deletes it nowhere']]);
  const unhold = program
    .command('unhold')
    .description('end a hold: from then on the rules count again')
    .argument('<reference>', 'the backup')
    .requiredOption('--reason <text>', 'why, for those who read it later')
    .action((reference: string, options: HoldOptions) => markCommand(cli(), 'unhold', reference, options));
  examples(unhold, [['unhold postgres/20261123 --reason "case 4711 is closed"', 'the next prune may delete it']]);
}

async function markCommand(
  cli: Cli,
  what: Extract<MarkKind, 'hold' | 'unhold'>,
  reference: string,
  { reason }: HoldOptions,
): Promise<void> {
  const [{ readOverview }, { chooseByReference }, { markBackup }, { BackupError, exitStatus }] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../../backups/choose.ts'),
    import('../../../activities/operations/mark.ts'),
    import('../../../model/errors.ts'),
  ]);
  if (reason.trim() === '')
    throw new BackupError('usage', 'a hold has a reason', { remedy: `Say why: ${what} ${reference} --reason "…"` });
  const site = await cli.site();
  const overview = await readOverview(site);
  const entry = chooseByReference(overview, reference);
  if (what === 'unhold' && entry.held === null)
    throw new BackupError('refused', `${entry.reference} is not on hold. Nothing was changed.`, {
      remedy: 'See `mosaic-backup list` for what is.',
      facts: { reference: entry.reference },
    });
  const { time, places, lacking } = await markBackup({
    site,
    manifest: entry.backup.manifest,
    what,
    reason,
    last: overview.marks.findLast(({ backup }) => backup.sha256 === entry.sha256),
  });
  for (const { place, error } of lacking)
    cli.out.note(
      `${place} lacks the record: ${error.message} What the others say counts there too; say it again once it is back.`,
    );
  cli.out.result(
    { reference: entry.reference, what, reason, time, places, lacking: lacking.map(({ place }) => place) },
    () =>
      `${entry.reference} is ${what === 'hold' ? 'on hold' : 'not on hold any more'}, recorded at ${places.join(', ')}`,
  );
  if (lacking.length > 0) cli.exitWith(exitStatus('partial'));
}
