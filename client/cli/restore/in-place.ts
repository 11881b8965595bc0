/** `restore --in-place`: over the data of the source's own server. */
import { backUpAgain, planInPlace, restoreInPlace } from '../../../activities/operations/in-place/index.ts';
import type { InPlacePlan, InPlaceRequest, InPlaceWork } from '../../../activities/operations/in-place/index.ts';
import type { Site } from '../../../activities/site.ts';
import { listBackups, type Catalogued } from '../../../activities/storage/catalogue.ts';
import { openRepository } from '../../../activities/storage/repository.ts';
import type { Store } from '../../../activities/storage/types.ts';
import { BackupError } from '../../../model/errors.ts';
import { withoutExports } from '../../../model/export.ts';
import { sizes } from '../../../model/manifest.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import { openPlace } from '../../backups/places.ts';
import { withPausing } from '../../schedules/pausing.ts';
import type { Cli } from '../context.ts';
import { placeOption } from '../place-option.ts';
import { choose, type Chosen } from './choose.ts';
import { confirmSite } from './confirm.ts';
import type { RestoreOptions } from './options.ts';
import { endOf, sayAge, sayReplay } from './say.ts';

const NOTE = 'mosaic-backup restore --in-place';

export async function restoreInPlaceCommand(cli: Cli, wanted: string, options: RestoreOptions): Promise<void> {
  const site = await cli.site();
  if ((options.path ?? []).length > 0)
    throw new BackupError(
      'usage',
      '--path takes single files to a folder (--to); in place a source is restored whole.',
      { remedy: 'Leave --path out, or say --to FOLDER.' },
    );
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
  await withPausing({ site, env: cli.env, note: NOTE, tell }, async (schedules) => {
    const { source, ...given } = await workOf(cli, site, chosen);
    const requestFor = async (choice: Chosen): Promise<InPlaceRequest> => ({
      ...given,
      source,
      schedules,
      store: place.store,
      chain: choice.chain,
      replay: choice.replay,
      known: await everythingOf(site, place.store, choice),
      reference: choice.reference,
      acceptUnsaved: options.acceptUnsaved ?? false,
    });
    const request = await requestFor(chosen);
    const plan = await planInPlace(request);
    sayPlan(cli, request, plan);
    const facts = { reference: chosen.reference, source: request.source, at: chosen.replay?.target ?? null };
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
    const done = await restoreInPlace(request, plan, further);
    cli.out.note(`service is back, after ${formatDuration(done.down)}`);
    const full = await behind(cli, request);
    cli.out.result({ ...facts, ...done, full }, () =>
      [
        `${chosen.reference} is restored in place, to ${done.data}`,
        ...(done.before === null ? [] : [`the old data are kept in ${done.before}; remove them when you are sure`]),
        ...(full === null ? [] : [`a full was made: ${full}`]),
      ].join('\n'),
    );
  });
}

async function workOf(cli: Cli, site: Site, { chain }: Chosen): Promise<Omit<InPlaceWork, 'schedules'>> {
  const source = chain.at(-1)?.manifest.source;
  if (source === undefined) throw new TypeError('a restore without a backup');
  return { site, source, tell: (line) => cli.out.note(line), work: await cli.work() };
}

/** Also what only the repository has, where it is not what is restored from: numbers that were given must not be given again. */
async function everythingOf(site: Site, store: Store, { chain }: Chosen): Promise<readonly Catalogued[]> {
  const source = chain.at(-1)?.manifest.source;
  const repository = await openRepository(site).then(
    (local) => listBackups(local),
    (error: unknown) => {
      if (error instanceof BackupError) return [];
      throw error;
    },
  );
  return [...(await listBackups(store)), ...repository].filter(({ manifest }) => manifest.source === source);
}

function sayPlan({ out }: Cli, { source, site }: InPlaceRequest, { data, answers, notes }: InPlacePlan): void {
  out.note(
    `in place: the server of "${source}" of the site "${site.config.site}" is stopped, ${data} is renamed and kept`,
  );
  if (!answers) out.note('its server does not answer now: what it has not shipped is saved from its folder');
  for (const note of notes) out.note(note);
}

/** The full behind it. Service is back by then: where it fails, the command says so and is partial. */
export async function behind(cli: Cli, request: InPlaceWork): Promise<string | null> {
  try {
    const { reference, problems } = await backUpAgain(request);
    for (const { message, remedy } of problems) {
      cli.out.note(`The full behind it is made, but: ${message}`);
      if (remedy !== undefined) cli.out.note(`  → ${remedy}`);
    }
    if (problems.length > 0) cli.exitWith(3);
    return reference;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    cli.out.note(`The full behind it failed: ${error.message} Until one is made there is no point-in-time recovery.`);
    cli.out.note(
      `  → mosaic-backup run daily --source ${request.source}; then mosaic-backup run logs --source ${request.source}`,
    );
    cli.exitWith(3);
    return null;
  }
}
