/** `restore … --database NAME --into SERVER`: out of a backup's export into a running server. */
import type { ExportPlan } from '../../../activities/sources/types.ts';
import type { Site } from '../../../activities/site.ts';
import type { SourceType } from '../../../model/source.ts';
import type { BackupEntry } from '../../backups/overview.ts';
import type { Cli } from '../context.ts';
import { sourceOf } from './choose.ts';
import type { RestoreOptions } from './options.ts';

export async function restoreIntoServer(cli: Cli, wanted: string, options: RestoreOptions): Promise<void> {
  const [{ openPlace }, { placeOption }, { withExportPlan }, { formatDuration }, { carryOutInto, intoOf, requireOn }] =
    await Promise.all([
      import('../../backups/places.ts'),
      import('../place-option.ts'),
      import('../../../activities/operations/restore-export.ts'),
      import('../../../model/units.ts'),
      import('./into-carry-out.ts'),
    ]);
  const site = await cli.site();
  // Before anything that only makes sense where there are exports.
  await requireExportsOf(site.config.sources[options.source ?? '']?.type);
  const { into, database } = await complete(options);
  const settings = await intoOf(cli, { ...options, into });
  await requireOn(cli, options);
  const destination = placeOption(options.from) ?? null;
  const place = await openPlace(site, destination);
  const entry = await choose(cli, site, destination, wanted, options.source);
  const started = Date.now();
  const tables = [...new Set(options.table)];
  const owners = options.owner ?? true;
  const order = { backup: entry.backup, what: { kind: 'export', database, tables, owners }, into: settings } as const;
  if (options.on !== undefined && !options.dryRun) {
    // It is that host that reaches the server, and looks at it.
    const { milliseconds } = await carryOutInto(cli, order, options, elsewhereOnly);
    const facts = { reference: entry.reference, folder: entry.backup.folder, from: place.name, database, tables };
    cli.out.result({ ...facts, milliseconds }, () =>
      doneText(entry.reference, place.name, formatDuration(milliseconds)),
    );
    return;
  }
  const request = {
    site,
    store: place.store,
    backup: entry.backup,
    database,
    tables,
    into: { settings, password: await password(cli, site, options) },
    replace: options.replace ?? false,
    owners,
    work: await cli.work(),
  };
  await withExportPlan(request, async (plan) => {
    const facts = factsOf(entry, place.name, plan);
    if (options.dryRun) {
      cli.out.result({ dryRun: true, ...facts }, () => text('would, as of', plan, plan.tables));
      return;
    }
    cli.out.note(text('as of', plan, []));
    await carryOutInto(cli, order, options, async () => {
      await plan.carryOut();
      return { milliseconds: Date.now() - started, keys: null };
    });
    const milliseconds = Date.now() - started;
    cli.out.result({ ...facts, milliseconds }, () =>
      [doneText(entry.reference, place.name, formatDuration(milliseconds)), ...leftText(plan)].join('\n'),
    );
  });
}

function elsewhereOnly(): never {
  throw new TypeError('--on is of a worker alone');
}

function doneText(reference: string, from: string, took: string): string {
  return `restored from ${reference} at ${from}, in ${took}`;
}

/** Undefined: the config does not know the source, and its backups will tell. */
async function requireExportsOf(type: SourceType | undefined): Promise<void> {
  if (type === undefined) return;
  const { requireExports } = await import('../../../activities/operations/restore-export.ts');
  requireExports(type);
}

async function complete({
  into,
  database,
}: RestoreOptions): Promise<{ readonly into: string; readonly database: string }> {
  if (into !== undefined && database !== undefined) return { into, database };
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', 'A restore into a running server wants both --database and --into.', {
    remedy:
      'As in: restore latest --source postgres --database shop --into "user=postgres". Without both, --to restores to a folder.',
  });
}

/** `latest` is the newest backup that holds an export. */
async function choose(
  { out }: Cli,
  site: Site,
  destination: string | null,
  wanted: string,
  source: string | undefined,
): Promise<BackupEntry> {
  const [{ readOverview }, choosing, { withExports, newerWithout }, { REPOSITORY }, { ageText }] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../../backups/choose.ts'),
    import('../../backups/exports.ts'),
    import('../../backups/places.ts'),
    import('../../backups/young.ts'),
  ]);
  const overview = await readOverview(site, destination);
  if (wanted !== choosing.LATEST_REFERENCE) return choosing.chooseByReference(overview, wanted, source);
  const name = await sourceOf(site, source);
  choosing.requireSource(site, overview, name);
  await requireExportsOf(overview.entries.find((entry) => entry.source === name)?.backup.manifest.type);
  const holding = withExports(overview);
  if (!holding.entries.some((entry) => entry.source === name)) throw await noExport(name);
  const { entry, age, newer } = choosing.latestOf(holding, name, destination ?? REPOSITORY);
  out.note(`${entry.reference} is ${ageText(age)}, and the newest with an export`);
  for (const what of newer) out.note(`newer, but not used: ${what}`);
  const without = newerWithout(overview, entry).length;
  const hold = without === 1 ? 'newer backup holds' : 'newer backups hold';
  if (without > 0) out.note(`${without} ${hold} no export; to what they hold: restore to a folder (--to)`);
  return entry;
}

/** From a file or a variable; never an argument. */
export async function password(
  cli: Cli,
  site: Site,
  { passwordFile, passwordEnv }: RestoreOptions,
): Promise<string | undefined> {
  if (passwordFile !== undefined) {
    const { default: path } = await import('node:path');
    return site.readSecret({ file: path.resolve(cli.cwd, passwordFile) });
  }
  return passwordEnv === undefined ? undefined : site.readSecret({ env: passwordEnv });
}

function factsOf({ reference, backup }: BackupEntry, from: string, { artifact, tables, left, steps }: ExportPlan) {
  const { database, at, position } = artifact.export;
  return {
    reference,
    folder: backup.folder,
    from,
    artifact: artifact.name,
    database,
    at,
    position,
    fetched: artifact.bytes,
    tables,
    left,
    steps,
  };
}

function text(how: string, plan: ExportPlan, tables: readonly string[]): string {
  const { steps, artifact } = plan;
  return [
    `${how} ${artifact.export.at}:`,
    ...steps.map((step) => `  ${step}`),
    ...tables.map((table) => `    ${table}`),
    ...(tables.length > 0 ? leftText(plan) : []),
  ].join('\n');
}

function leftText({ left }: ExportPlan): readonly string[] {
  return left.map((what) => `not restored with it: ${what}`);
}

async function noExport(source: string): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  return new BackupError('not-found', `No backup of "${source}" here holds an export to take one database out of.`, {
    remedy: `Weekly and monthly backups hold one where the config says sources.${source}.export. Until then: restore the whole to a folder (--to), start a server there, and copy from it.`,
    facts: { source },
  });
}
