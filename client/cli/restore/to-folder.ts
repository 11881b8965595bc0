/** `restore --to`: to a folder. */
import { pinned } from '../../../activities/storage/catalogue.ts';
import type { Site } from '../../../activities/site.ts';
import { showPath } from '../../../activities/sources/files/names.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import type { Cli } from '../context.ts';
import { carryOut } from './carry-out.ts';
import { previewText, thawed } from './frozen.ts';
import type { RestoreOptions } from './options.ts';
import { planFolder, type FolderOptions, type FolderPlan } from './plan.ts';
import { rehearse } from './rehearse.ts';
import { requireServed, serveUntilInterrupted, serviceText } from './serve.ts';
import { partialOf, sayAge, sayPlan, sayReplay } from './say.ts';

/** Restores to a folder that is new or empty. */
export async function restoreToFolder(cli: Cli, wanted: string, options: FolderOptions): Promise<void> {
  const site = await cli.site();
  requireReachable(site, options);
  const plan = await planFolder(cli, wanted, options);
  const { place, others, chosen, newest, all, to, paths, plain, thaw } = plan;
  sayAge(cli, chosen);
  sayReplay(cli, chosen, place.name, formatBytes(plan.fetched));
  sayPlan(cli, plan);
  if (options.serve) await requireServed(cli, plan);
  if (options.dryRun) return rehearsed(cli, site, plan);
  if (thaw) {
    // What would be refused in the end is refused before anything is paid for.
    if (options.thaw !== undefined) await rehearse(site, all, to, plain);
    if (!(await thawed(cli, thaw, { site, destination: place.destination, store: place.store, chosen }, options)))
      return;
  }
  const done = await carryOut(
    cli,
    {
      site: site.config.site,
      host: options.on ?? site.host,
      source: newest.source,
      backup: pinned(newest),
      place: place.destination,
      ...(others.length > 0 && { others }),
      target: chosen.replay?.target ?? null,
      to,
      paths,
    },
    options,
  );
  const { milliseconds, passed = [] } = done;
  const from = done.from ?? place.name;
  if (done.from !== undefined && done.from !== place.name)
    for (const why of passed) cli.out.note(`passed over: ${why}`);
  const facts = { ...factsOf(plan), from, passed, milliseconds };
  const text = `${chosen.reference} is restored to ${to} from ${from}, in ${formatDuration(milliseconds)}`;
  if (!options.serve) return cli.out.result(facts, () => text);
  await serveUntilInterrupted(cli, plan, from, (service) => {
    const { command, env } = service;
    cli.out.result({ ...facts, service: { command, env } }, () => `${text}\n${serviceText(newest.type, service)}`);
  });
}

/** `--dry-run`. */
async function rehearsed(cli: Cli, site: Site, plan: FolderPlan): Promise<void> {
  const { chosen, place, all, to, plain, thaw } = plan;
  const free = await rehearse(site, all, to, plain);
  if (thaw) cli.out.note(previewText(thaw));
  const frozen = thaw && { facts: thaw.facts, speeds: thaw.speeds };
  cli.out.result({ dryRun: true, ...factsOf(plan), free, thaw: frozen }, () =>
    [
      `would restore ${chosen.reference} from ${place.name} to ${to}: ${formatBytes(plain)} at most, ${formatBytes(free)} free`,
      ...all.map(({ folder }) => `  ${folder}`),
    ].join('\n'),
  );
}

function factsOf({ chosen, newest, place, others, to, paths, selected, plain, fetched, expected }: FolderPlan) {
  return {
    reference: chosen.reference,
    chain: chosen.chain.map(({ folder }) => folder),
    logs: (chosen.replay?.logs ?? []).map(({ folder }) => folder),
    at: chosen.replay?.target ?? null,
    fetched,
    expected,
    from: place.name,
    others,
    to,
    paths,
    selected: selected && {
      entries: selected.entries,
      bytes: selected.bytes,
      tops: selected.tops.map(showPath),
      unsettled: selected.unsettled.map(showPath),
    },
    plain,
    partial: partialOf(newest).map(({ message }) => message),
    age: chosen.latest?.age ?? null,
    newer: chosen.latest?.newer ?? [],
  };
}

/** Of another host only what lies at a destination can be seen from here. */
function requireReachable(site: Site, { on, from, to, direct, serve }: RestoreOptions): void {
  if (on !== undefined && direct)
    throw new BackupError('usage', '--direct is this process, and --on a worker: only one of them can restore.', {
      remedy: 'Leave one of them out.',
    });
  if (on !== undefined && serve)
    throw new BackupError('usage', '--serve starts a server here, and not on another host.', {
      remedy: 'Leave --on out.',
    });
  if (on === undefined || on === site.host) return;
  const lacks =
    (from === undefined && 'from which destination is not said') ||
    (!to?.startsWith('/') && 'its folder is no absolute path');
  if (lacks)
    throw new BackupError('usage', `A restore on ${on}: ${lacks}.`, {
      remedy: `As in: mosaic-backup restore latest --source NAME --from DESTINATION --on ${on} --to /srv/restored`,
    });
}
