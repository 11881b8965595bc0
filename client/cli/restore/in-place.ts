/** `restore --in-place`: over the data of the source's own server. */
import { planInPlace } from '../../../activities/operations/in-place/index.ts';
import type { InPlacePlan, InPlaceRequest } from '../../../activities/operations/in-place/index.ts';
import { everythingOf } from '../../../activities/operations/in-place/known.ts';
import { lastRestored } from '../../../activities/operations/in-place/record.ts';
import { BackupError } from '../../../model/errors.ts';
import { withoutExports } from '../../../model/export.ts';
import { sizes } from '../../../model/manifest.ts';
import { formatBytes } from '../../../model/units.ts';
import { openPlace } from '../../backups/places.ts';
import type { Cli } from '../context.ts';
import { placeOption } from '../place-option.ts';
import { choose, type Chosen } from './choose.ts';
import { confirmSite } from './confirm.ts';
import { carryOutInPlace } from './in-place-carry-out.ts';
import type { RestoreOptions } from './options.ts';
import { endOf, sayAge, sayReplay } from './say.ts';

export async function restoreInPlaceCommand(cli: Cli, wanted: string, options: RestoreOptions): Promise<void> {
  requireUsage(options);
  const site = await cli.site();
  const destination = placeOption(options.from) ?? null;
  const place = await openPlace(site, destination);
  const chosen = await choose(site, destination, wanted, options);
  const fetched = [...chosen.chain, ...(chosen.replay?.logs ?? [])].reduce(
    (sum, { manifest }) => sum + sizes(withoutExports(manifest)).stored,
    0,
  );
  sayAge(cli, chosen);
  sayReplay(cli, chosen, place.name, formatBytes(fetched));
  const tell = (line: string) => cli.out.note(line);
  const work = await cli.work();
  const source = newestOf(chosen).source;
  const last = await lastRestored({ site, source });
  const requestFor = async ({ chain, replay, reference }: Chosen): Promise<InPlaceRequest> => ({
    site,
    source,
    tell,
    work,
    run: null,
    schedules: null,
    store: place.store,
    chain,
    replay,
    known: await everythingOf(site, place.store, source),
    reference,
    acceptUnsaved: options.acceptUnsaved ?? false,
    last,
  });
  const request = await requestFor(chosen);
  const plan = await planInPlace(request);
  sayPlan(cli, request, plan);
  const facts = { reference: chosen.reference, source, at: chosen.replay?.target ?? null };
  if (options.dryRun) {
    cli.out.result(
      { dryRun: true, ...facts, data: plan.data, answers: plan.answers, notes: plan.notes },
      () => `would restore ${chosen.reference} in place, to ${plan.data}; nothing was changed`,
    );
    return;
  }
  await confirmSite({ site: site.config.site, given: options.confirm, signal: cli.signal });
  // The end of the logs is not where they ended before the server's last ones were shipped.
  const toTheEnd = async (): Promise<InPlaceRequest> => {
    const now = await choose(site, destination, wanted, { ...options, source });
    if (now.reference !== chosen.reference) tell(`from ${place.name}: ${now.reference}`);
    const end = endOf(now);
    if (end !== null) tell(`the logs now end at ${end}`);
    return requestFor(now);
  };
  const further = chosen.replay?.target.kind === 'end' ? toTheEnd : undefined;
  const { full, ...done } = await carryOutInPlace(cli, { request, plan, further, destination }, options);
  cli.out.result({ ...facts, ...done, full }, () =>
    [
      `${chosen.reference} is restored in place, to ${done.data}`,
      ...(done.before === null ? [] : [`the old data are kept in ${done.before}; remove them when you are sure`]),
      ...(full === null ? [] : [`a full was made: ${full}`]),
    ].join('\n'),
  );
}

function requireUsage({ path = [], on }: RestoreOptions): void {
  if (path.length > 0)
    throw new BackupError(
      'usage',
      '--path takes single files to a folder (--to); in place a source is restored whole.',
      { remedy: 'Leave --path out, or say --to FOLDER.' },
    );
  if (on !== undefined)
    throw new BackupError('usage', '--on is of a restore to a folder; in place it is done on the host of the source.', {
      remedy: 'Give the command on that host, without --on.',
    });
}

function newestOf({ chain }: Chosen) {
  const newest = chain.at(-1)?.manifest;
  if (newest === undefined) throw new TypeError('a restore without a backup');
  return newest;
}

function sayPlan({ out }: Cli, { source, site }: InPlaceRequest, { data, answers, notes }: InPlacePlan): void {
  out.note(
    `in place: the server of "${source}" of the site "${site.config.site}" is stopped, ${data} is renamed and kept`,
  );
  if (!answers) out.note('its server does not answer now: what it has not shipped is saved from its folder');
  for (const note of notes) out.note(note);
}
