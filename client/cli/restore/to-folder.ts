/** `restore --to`: to a folder, in the command's own process. */
import type { Cli } from '../context.ts';
import type { RestoreRequest } from '../../../activities/operations/restore.ts';
import type { Site } from '../../../activities/site.ts';
import type { RestoreInput } from '../../../model/restore-run.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import { choose } from './choose.ts';
import type { RestoreOptions } from './options.ts';
import { rehearse } from './rehearse.ts';
import { sayAge, sayReplay } from './say.ts';

/** Restores to a folder that is new or empty. */
export async function restoreToFolder(
  cli: Cli,
  wanted: string,
  options: RestoreOptions & { readonly to: string },
): Promise<void> {
  const [{ openPlace }, { placeOption }, path, { sizes }, units, { withoutExports }, cold] = await Promise.all([
    import('../../backups/places.ts'),
    import('../place-option.ts'),
    import('node:path'),
    import('../../../model/manifest.ts'),
    import('../../../model/units.ts'),
    import('../../../model/export.ts'),
    import('./frozen.ts'),
  ]);
  const site = await cli.site();
  await requireReachable(site, options);
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
  const frozen = { site, destination, store: place.store, chosen };
  const thaw = await cold.thawNeeded(frozen, options);
  sayAge(cli, chosen, units.formatDuration);
  sayReplay(cli, chosen, place.name, units.formatBytes(fetched));
  if (options.dryRun) {
    const free = await rehearse(site, all, to, plain);
    if (thaw) cli.out.note(cold.previewText(thaw));
    cli.out.result({ dryRun: true, ...facts, free, thaw: thaw && { facts: thaw.facts, speeds: thaw.speeds } }, () =>
      [
        `would restore ${chosen.reference} from ${place.name} to ${to}: ${units.formatBytes(plain)} at most, ${units.formatBytes(free)} free`,
        ...all.map(({ folder }) => `  ${folder}`),
      ].join('\n'),
    );
    return;
  }
  if (thaw) {
    // What would be refused in the end is refused before anything is paid for.
    if (options.thaw !== undefined) await rehearse(site, all, to, plain);
    if (!(await cold.thawed(cli, thaw, frozen, options))) return;
  }
  const { pinned } = await import('../../../activities/storage/catalogue.ts');
  const newest = chosen.chain.at(-1)?.manifest;
  if (!newest) throw new TypeError('a restore of nothing');
  const input = {
    site: site.config.site,
    host: options.on ?? site.host,
    source: newest.source,
    backup: pinned(newest),
    place: destination,
    target: chosen.replay?.target ?? null,
    to,
    paths,
  };
  const milliseconds =
    (await byWorker(cli, input, options)) ??
    (await byItself({
      site,
      store: place.store,
      ...chosen,
      replay: chosen.replay ?? undefined,
      to,
      paths,
      work: await cli.work(),
    }));
  cli.out.result(
    { ...facts, milliseconds },
    () => `${chosen.reference} is restored to ${to} from ${place.name}, in ${units.formatDuration(milliseconds)}`,
  );
}

/** Null where no host is named: then it is done here. */
async function byWorker(cli: Cli, input: RestoreInput, { on }: RestoreOptions): Promise<number | null> {
  if (on === undefined) return null;
  const { restoreByWorker } = await import('./by-worker.ts');
  return (await restoreByWorker(cli, input)).milliseconds;
}

async function byItself(request: RestoreRequest): Promise<number> {
  const { restoreBackup } = await import('../../../activities/operations/restore.ts');
  const started = Date.now();
  await restoreBackup(request);
  return Date.now() - started;
}

async function requireFiles(chain: readonly Catalogued[], paths: readonly string[]): Promise<void> {
  const type = chain.at(-1)?.manifest.type;
  if (paths.length === 0 || type === 'files') return;
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', `--path is for files; this is a backup of type ${type}, which is restored whole.`, {
    remedy: 'Leave --path out, or put one database or table into a running server: --database, --table and --into.',
  });
}

/** Of another host only what lies at a destination can be seen from here. */
async function requireReachable(site: Site, { on, from, to }: RestoreOptions): Promise<void> {
  if (on === undefined || on === site.host) return;
  const { BackupError } = await import('../../../model/errors.ts');
  const lacks =
    (from === undefined && 'from which destination is not said') ||
    (!to?.startsWith('/') && 'its folder is no absolute path');
  if (lacks)
    throw new BackupError('usage', `A restore on ${on}: ${lacks}.`, {
      remedy: `As in: mosaic-backup restore latest --source NAME --from DESTINATION --on ${on} --to /srv/restored`,
    });
}
