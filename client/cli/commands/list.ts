/** `list`: every backup, with the places that hold it. */
import type { Command } from 'commander';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import type { BackupEntry } from '../../backups/overview.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';

interface ListOptions {
  readonly source?: string;
  readonly destination?: string;
  readonly recoveryPoints?: boolean;
  readonly logs?: boolean;
}

export function registerList(program: Command, cli: OpenCli): void {
  const list = program
    .command('list')
    .description('list backups, newest first, with the places that hold them')
    .option('--source <name>', 'only those of this source')
    .option('--destination <name>', 'only what this destination holds ("repository" for the repository)')
    .option('--logs', 'also the continuous logs: one every few minutes')
    .option('--recovery-points', 'list what each run produced instead')
    .action((options: ListOptions) => listCommand(cli(), options));
  examples(list, [
    ['list --source postgres', 'the backups of one source'],
    ['list --source postgres --logs', 'with its logs, and until when each covers'],
    ['list --destination vault', 'straight from a destination, with the repository gone'],
    ['list --json | jq -r .backups[0].reference', 'the newest one'],
  ]);
}

async function listCommand(cli: Cli, options: ListOptions): Promise<void> {
  const [
    { readOverview, verdictOf },
    { isDatedAhead },
    { requireSource },
    { placeOption },
    units,
    { sizesRatio },
    copies,
  ] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../../backups/ahead.ts'),
    import('../../backups/choose.ts'),
    import('../place-option.ts'),
    import('../../../model/units.ts'),
    import('../../../model/ratio.ts'),
    import('../../backups/copies.ts'),
  ]);
  const site = await cli.site();
  const overview = await readOverview(site, placeOption(options.destination), { logs: options.logs ?? false });
  const entries = overview.entries.filter(({ source }) => options.source === undefined || source === options.source);
  for (const { place, problem } of overview.problems) cli.out.note(`${place}: ${problem}`);
  requireSource(site, overview, options.source);
  for (const { reference, broken } of entries) {
    for (const { problem } of broken) cli.out.note(`${reference} ${problem}`);
  }
  const now = Date.now();
  const behind = await copies.copiesStatus(site, overview, { logs: options.logs ?? false, now });
  for (const line of behind.map(copies.behindText)) if (line !== undefined) cli.out.note(line);
  const points = overview.recoveryPoints.map((point) => ({
    ...point,
    wholeNow: copies.isWholeNow(site, point, overview.entries),
  }));

  function row(entry: BackupEntry): string[] {
    const { manifest } = entry.backup;
    const verdict = verdictOf(entry);
    return [
      entry.reference,
      manifest.kind,
      manifest.kind === 'logs' && manifest.coversUntil ? `until ${manifest.coversUntil}` : manifest.scheduled,
      isDatedAhead(entry, now)
        ? 'of the future'
        : units.formatDuration(Math.max(0, now - Date.parse(manifest.started))),
      units.formatBytes(entry.stored),
      sizesRatio(entry.plain, entry.stored),
      entry.places.join(', '),
      cli.out.style(
        verdict === 'damaged' || verdict === 'broken' ? 'red' : verdict === 'unverified' ? 'yellow' : 'green',
        verdict,
      ) + (entry.held ? ', on hold' : ''),
    ];
  }

  cli.out.result(
    { backups: entries.map(entryJson), recoveryPoints: points, behind, problems: overview.problems },
    () => {
      if (options.recoveryPoints) return pointsTable(points);
      if (entries.length === 0) return 'no backups';
      return table(['reference', 'kind', 'time', 'age', 'stored', 'ratio', 'at', 'checked'], entries.map(row), [
        'age',
        'stored',
        'ratio',
      ]);
    },
  );
}

function pointsTable(points: readonly (RecoveryPoint & { readonly wholeNow: boolean })[]): string {
  if (points.length === 0) return 'no recovery points';
  const rows = points.map(({ id, outcome, wholeNow, sources }) => [
    id,
    wholeNow ? `${outcome}, whole now` : outcome,
    sources.map(({ source, outcome }) => `${source} ${outcome}`).join(', '),
  ]);
  return table(['recovery point', 'outcome', 'sources'], rows);
}

/** A backup as JSON, in lists and in `show`. */
export function entryJson(entry: BackupEntry): Readonly<Record<string, unknown>> {
  const { reference, source, sha256, stored, plain, places, verified, proven, held, broken, backup } = entry;
  const { type, kind, tier, scheduled, started, finished, host, parent, consistency, coversUntil, warnings } =
    backup.manifest;
  return {
    reference,
    sha256,
    source,
    type,
    kind,
    tier,
    host,
    scheduled,
    started,
    finished,
    stored,
    plain,
    consistency,
    coversUntil: coversUntil ?? null,
    parent: parent?.reference ?? null,
    folder: backup.folder,
    places,
    verified,
    proven,
    held: held && { since: held.time, reason: held.reason },
    broken,
    warnings,
  };
}
