/** `restore`: in the command's own process, so that it works with Temporal gone. */
import type { Command } from 'commander';
import type { Site } from '../../../activities/site.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import type { Latest } from '../../backups/choose.ts';
import { examples, several, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { goesIntoServer, restoreInto, type IntoOptions } from './restore-into.ts';

interface RestoreOptions extends IntoOptions {
  readonly path?: readonly string[];
  readonly to?: string;
  readonly acceptAge?: boolean;
  readonly at?: string;
  readonly before?: string;
}

export function registerRestore(program: Command, cli: OpenCli): void {
  const restore = program
    .command('restore')
    .description(
      'restore a backup to an empty folder, or a database or table of it into a running server; every byte is checked before anything appears there',
    )
    .argument('<backup>', 'a reference, or "latest": the newest that is verified')
    .option('--to <folder>', 'a folder that is new or empty')
    .option('--source <name>', 'the source, with "latest"')
    .option('--at <target>', 'recover to this time, LSN or GTID, name:RESTORE_POINT, or end of the logs ("end")')
    .option('--before <gtid>', 'recover to right before this transaction (MariaDB), rather than --at')
    .option('--path <path>', 'only this file or folder (files sources); may be given several times', several)
    .option('--from <destination>', 'the copy there, rather than the one in the repository')
    .option('--database <name>', 'only this database, from its export, into a running server')
    .option('--table <name>', 'only this table of it, as in public.orders; may be given several times', several)
    .option(
      '--into <server>',
      'the running server: "host=… port=… user=… database=…"; the source\'s own without a host',
    )
    .option('--password-file <file>', 'the password for --into')
    .option('--password-env <name>', 'the variable with the password for --into')
    .option('--replace', 'with --into: drop what is in the way')
    .option('--no-owner', 'with --into: all belongs to who restores it, and no grants')
    .option('--dry-run', 'say what would be restored, check keys and space, and do nothing')
    .option('--accept-age', "restore although the latest is older than the source's objective")
    .action((backup: string, options: RestoreOptions) => begin(cli(), backup, options));
  examples(restore, [
    ['restore latest --source postgres --to /srv/restored', 'a data folder that a server can start from'],
    ['restore latest --source postgres --at 2026-11-23T14:05:00Z --to /srv/restored', 'as it was at that time'],
    ['restore latest --source stack --path /opt/stack/.env --to /tmp/env', 'a single file'],
    [
      'restore latest --source postgres --database shop --table public.orders --into "user=postgres"',
      'one table, into the running server',
    ],
    ['restore stack/20261123 --from vault --to /srv/stack', 'from a destination, with the repository gone'],
  ]);
}

/** Where it goes: into a server, or into a folder. */
async function begin(cli: Cli, wanted: string, options: RestoreOptions): Promise<void> {
  const { to } = options;
  if (to !== undefined && !goesIntoServer(options)) return restoreCommand(cli, wanted, { ...options, to });
  const single = [options.at, options.before, options.path].every((each) => each === undefined);
  if (to === undefined && goesIntoServer(options) && single) return restoreInto(cli, wanted, options);
  const { BackupError } = await import('../../../model/errors.ts');
  if (to === undefined && !goesIntoServer(options))
    throw new BackupError('usage', "Required option '--to <folder>' not specified.", {
      remedy: 'See `mosaic-backup restore --help`.',
    });
  throw new BackupError(
    'usage',
    '--to, --at, --before and --path are of a restore to a folder; --into is of a server.',
    {
      remedy: 'Restore to a folder to reach a point in time, and copy from there; see `mosaic-backup restore --help`.',
    },
  );
}

type FolderOptions = RestoreOptions & { readonly to: string };

interface Chosen {
  /** Full first. */
  readonly chain: readonly Catalogued[];
  /** Logs to replay on it; null without --at. */
  readonly replay: { readonly logs: readonly Catalogued[]; readonly target: RestoreTarget } | null;
  readonly reference: string;
  readonly latest: Latest | null;
}

async function restoreCommand(cli: Cli, wanted: string, options: FolderOptions): Promise<void> {
  const [{ openPlace }, { placeOption }, path, { sizes }, units, { withoutExports }] = await Promise.all([
    import('../../backups/places.ts'),
    import('../place-option.ts'),
    import('node:path'),
    import('../../../model/manifest.ts'),
    import('../../../model/units.ts'),
    import('../../../model/export.ts'),
  ]);
  const site = await cli.site();
  const destination = placeOption(options.from) ?? null;
  const place = await openPlace(site, destination);
  const chosen = await choose(site, destination, wanted, options);
  const to = path.resolve(cli.cwd, options.to);
  const paths = (options.path ?? []).map((file) => path.resolve(cli.cwd, file));
  await requireFiles(chosen.chain, paths);
  const logs = chosen.replay?.logs ?? [];
  const all = [...chosen.chain, ...logs];
  const plain = all.reduce((sum, { manifest }) => sum + sizes(withoutExports(manifest)).plain, 0);
  const fetched = all.reduce((sum, { manifest }) => sum + sizes(withoutExports(manifest)).stored, 0);
  const facts = {
    reference: chosen.reference,
    chain: chosen.chain.map(({ folder }) => folder),
    logs: logs.map(({ folder }) => folder),
    at: chosen.replay?.target ?? null,
    fetched,
    from: place.name,
    to,
    paths,
    plain,
    age: chosen.latest?.age ?? null,
    newer: chosen.latest?.newer ?? [],
  };
  sayAge(cli, chosen, units.formatDuration);
  sayReplay(cli, chosen, place.name, units.formatBytes(fetched));
  if (options.dryRun) {
    const free = await rehearse(site, all, to, plain);
    cli.out.result({ dryRun: true, ...facts, free }, () =>
      [
        `would restore ${chosen.reference} from ${place.name} to ${to}: ${units.formatBytes(plain)} at most, ${units.formatBytes(free)} free`,
        ...all.map(({ folder }) => `  ${folder}`),
      ].join('\n'),
    );
    return;
  }
  const { restoreBackup } = await import('../../../activities/operations/restore.ts');
  const started = Date.now();
  await restoreBackup({
    site,
    store: place.store,
    chain: chosen.chain,
    to,
    paths,
    replay: chosen.replay ?? undefined,
    work: await cli.work(),
  });
  const milliseconds = Date.now() - started;
  cli.out.result(
    { ...facts, milliseconds },
    () => `${chosen.reference} is restored to ${to} from ${place.name}, in ${units.formatDuration(milliseconds)}`,
  );
}

async function choose(
  site: Site,
  destination: string | null,
  wanted: string,
  options: RestoreOptions,
): Promise<Chosen> {
  const [{ readOverview }, choosing, { chainOf }, { REPOSITORY }] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../../backups/choose.ts'),
    import('../../../activities/storage/catalogue.ts'),
    import('../../backups/places.ts'),
  ]);
  const target = await targetOf(options);
  const overview = await readOverview(site, destination);
  const catalogue = overview.entries.map(({ backup }) => backup);
  if (wanted !== choosing.LATEST_REFERENCE) {
    const { backup, reference } = choosing.chooseByReference(overview, wanted, options.source);
    if (target) return recover(catalogue, backup.manifest.source, target, backup);
    return { chain: chainOf(catalogue, backup), replay: null, reference, latest: null };
  }
  if (target) {
    const source = await sourceOf(site, options.source);
    choosing.requireSource(site, overview, source);
    return recover(catalogue, source, target);
  }
  const latest = choosing.latestOf(overview, await sourceOf(site, options.source), destination ?? REPOSITORY);
  choosing.requireYoung(latest, site.config.sources[latest.entry.source]?.objectives?.rpo, options.acceptAge ?? false);
  const { reference, backup } = latest.entry;
  return { chain: chainOf(catalogue, backup), replay: null, reference, latest };
}

/** Where the recovery is to stop; undefined where none was asked for. */
async function targetOf({ at, before }: RestoreOptions): Promise<RestoreTarget | undefined> {
  if (at === undefined && before === undefined) return undefined;
  const [{ parseTarget }, { BackupError }] = await Promise.all([
    import('../../../model/target.ts'),
    import('../../../model/errors.ts'),
  ]);
  if (before === undefined) return parseTarget(at ?? '');
  if (at !== undefined) throw new BackupError('usage', 'Either --at or --before: a recovery stops once.');
  const target = parseTarget(before);
  if (target.kind === 'position') return { kind: 'before', position: target.position };
  throw new BackupError('usage', `"${before}" is no GTID.`, { remedy: 'Write one as in 0-1-42.' });
}

/** The backup and logs that reach a target. `from`: of this backup alone. */
async function recover(
  catalogue: readonly Catalogued[],
  source: string,
  target: RestoreTarget,
  from?: Catalogued,
): Promise<Chosen> {
  const [{ planRecovery }, { formatReference }] = await Promise.all([
    import('../../../activities/operations/recovery.ts'),
    import('../../../model/reference.ts'),
  ]);
  const plan = planRecovery({ catalogue, source, target, ...(from && { from }) });
  const base = plan.chain.at(-1);
  return {
    chain: plan.chain,
    replay: { logs: plan.logs, target: plan.target },
    reference: base ? formatReference(base.name) : '',
    latest: null,
  };
}

/** `latest` is of one source; where the site has only one, it need not be said. */
async function sourceOf(site: Site, source: string | undefined): Promise<string> {
  if (source !== undefined) return source;
  const [only, ...others] = Object.keys(site.config.sources);
  if (only !== undefined && others.length === 0) return only;
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', '"latest" is the latest of one source: which one is not said.', {
    remedy: `Add --source, one of: ${Object.keys(site.config.sources).join(', ')}.`,
  });
}

async function requireFiles(chain: readonly Catalogued[], paths: readonly string[]): Promise<void> {
  const type = chain.at(-1)?.manifest.type;
  if (paths.length === 0 || type === 'files') return;
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', `--path is for files; this is a backup of type ${type}, which is restored whole.`);
}

function sayAge({ out }: Cli, { latest }: Chosen, formatDuration: (milliseconds: number) => string): void {
  if (latest === null) return;
  const { entry, age, newer, verified } = latest;
  out.note(`${entry.reference} is ${formatDuration(Math.max(0, age))} old`);
  if (!verified) out.note('No check of it is on record here; the restore itself looks at every byte.');
  for (const what of newer) out.note(`newer, but not used: ${what}`);
}

/** Before anything is fetched: what will be used, from where, and how much it is. */
function sayReplay({ out }: Cli, { reference, chain, replay }: Chosen, from: string, bytes: string): void {
  if (replay === null) return;
  const count = replay.logs.length === 1 ? 'one backup' : `${replay.logs.length} backups`;
  const ids = [replay.logs[0], replay.logs.at(-1)].map((entry) => entry?.name.id ?? '');
  const logs = replay.logs.length === 0 ? '' : `, and ${count} of logs (${ids.join(' to ')})`;
  const base = chain.length > 1 ? `${reference} with the ${chain.length - 1} that it builds on` : reference;
  out.note(`from ${from}: ${base}${logs}; ${bytes} to fetch`);
}

/** What can be known beforehand: the target is free, there is room, and an identity opens each key. Returns the free bytes. */
async function rehearse(site: Site, chain: readonly Catalogued[], to: string, plain: number): Promise<number> {
  const [
    { readdir },
    { freeSpace, requireSpace },
    { ifThere },
    { unwrapIdentity },
    { siteIdentity, trustedKeys },
    { checkManifest },
    { BackupError },
    { requireFreeTarget },
  ] = await Promise.all([
    import('node:fs/promises'),
    import('../../../activities/storage/space.ts'),
    import('../../../activities/storage/fs-errors.ts'),
    import('../../../activities/keys/identity.ts'),
    import('../../../activities/keys/site-keys.ts'),
    import('../../../activities/storage/manifest-file.ts'),
    import('../../../model/errors.ts'),
    import('../../../activities/operations/restore-target.ts'),
  ]);
  const source = chain.at(-1)?.manifest.source;
  if (source !== undefined) await requireFreeTarget(site, source, to);
  if (((await ifThere(readdir(to))) ?? []).length > 0) {
    throw new BackupError('not-empty', `${to} is not empty.`, { remedy: 'Choose an empty or new folder.' });
  }
  await requireSpace({ path: to, needed: plain });
  const [trusted, identities] = await Promise.all([trustedKeys(site), siteIdentity(site)]);
  for (const { manifest } of chain) {
    checkManifest(manifest, trusted);
    await unwrapIdentity(manifest.key, identities);
  }
  return freeSpace(to);
}
