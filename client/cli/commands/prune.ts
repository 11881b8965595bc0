/** `prune`: every decision of retention with its reasons; deletes with --yes only. */
import type { Command } from 'commander';
import type { Pruned } from '../../../activities/operations/prune/index.ts';
import type { Site } from '../../../activities/site.ts';
import { examples, several, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface PruneOptions {
  readonly source?: readonly string[];
  readonly destination?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly accept?: string;
  readonly reason?: string;
}

export function registerPrune(program: Command, cli: OpenCli): void {
  const prune = program
    .command('prune')
    .description('print what retention keeps and deletes, with every reason; deletes nothing without --yes')
    .option('--source <name>', 'only this source; may be given several times', several)
    .option('--destination <name>', 'only at this destination ("repository" for the repository)')
    .option('--yes', 'delete what is due')
    .option('--dry-run', 'delete nothing, even with --yes')
    .option('--accept <reference>', 'record that the size of this full is right, though it lost much; prunes nothing')
    .option('--reason <text>', 'with --accept: why, for those who read it later')
    .action((options: PruneOptions) =>
      options.accept === undefined
        ? pruneCommand(cli(), options)
        : acceptCommand(cli(), options.accept, options.reason),
    );
  examples(prune, [
    ['prune', 'what would be deleted where, and why everything else is kept'],
    ['prune --yes', 'delete it'],
    ['prune --destination vault --source postgres', 'one source at one place'],
    ['prune --accept postgres/20261123 --reason "old shop dropped"', 'a full that lost much stops pruning no longer'],
  ]);
}

async function pruneCommand(cli: Cli, { source, destination, yes, dryRun }: PruneOptions): Promise<void> {
  const [{ prune }, { pruneText }, { exitStatus }] = await Promise.all([
    import('../../../activities/operations/prune/index.ts'),
    import('../../backups/prune-text.ts'),
    import('../../../model/errors.ts'),
  ]);
  const site = await cli.site();
  await requirePlace(site, destination);
  for (const name of source ?? []) await requireKnown(site, name);
  const apply = (yes ?? false) && !(dryRun ?? false);
  const pruned = await prune({
    site,
    ...(source ? { sources: source } : {}),
    ...(destination === undefined ? {} : { place: destination }),
    apply,
    work: await cli.work(),
  });
  cli.out.result({ ...pruneJson(pruned), applied: apply }, () =>
    pruneText(pruned, { apply, verbose: cli.options.verbose ?? 0 }),
  );
  const incomplete = pruned.summary.places.some(
    ({ away, mayDelete, left, problems }) =>
      away !== null || (apply && mayDelete && (left.backups > 0 || problems.length > 0)),
  );
  if (incomplete) cli.exitWith(exitStatus('partial'));
}

/** @throws BackupError `not-found` for a place that there is not. */
async function requirePlace(site: Site, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const [{ openPlace }, { placeOption }] = await Promise.all([
    import('../../backups/places.ts'),
    import('../place-option.ts'),
  ]);
  await openPlace(site, placeOption(name) ?? null);
}

/** @throws BackupError `not-found` for a source that neither the config nor any backup knows. */
async function requireKnown(site: Site, source: string): Promise<void> {
  if (Object.hasOwn(site.config.sources, source)) return;
  const [{ readOverview }, { requireSource }] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../../backups/choose.ts'),
  ]);
  requireSource(site, await readOverview(site), source);
}

function pruneJson({ decisions, summary }: Pruned): Readonly<Record<string, unknown>> {
  return {
    places: summary.places,
    stopped: summary.stopped,
    decisions: decisions.map(({ place, verdict, reasons, backup }) => ({
      place,
      reference: backup.reference,
      sha256: backup.sha256,
      source: backup.source,
      kind: backup.kind,
      tier: backup.tier,
      folder: backup.folder,
      bytes: backup.bytes,
      verdict,
      reasons,
    })),
  };
}

async function acceptCommand(cli: Cli, reference: string, reason = ''): Promise<void> {
  const [{ readOverview }, { chooseByReference }, { markBackup }, { BackupError, exitStatus }] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../../backups/choose.ts'),
    import('../../../activities/operations/mark.ts'),
    import('../../../model/errors.ts'),
  ]);
  if (reason.trim() === '') {
    throw new BackupError('usage', '--accept has a reason', {
      remedy: `Say why so much is gone: prune --accept ${reference} --reason "…"`,
    });
  }
  const site = await cli.site();
  const overview = await readOverview(site);
  const entry = chooseByReference(overview, reference);
  const { places, lacking } = await markBackup({
    site,
    manifest: entry.backup.manifest,
    what: 'accept',
    reason,
    last: undefined,
  });
  for (const { place, error } of lacking) cli.out.note(`${place} lacks the record: ${error.message}`);
  cli.out.result(
    { reference: entry.reference, what: 'accept', reason, places, lacking: lacking.map(({ place }) => place) },
    () => `the size of ${entry.reference} counts as right, recorded at ${places.join(', ')}`,
  );
  if (lacking.length > 0) cli.exitWith(exitStatus('partial'));
}
