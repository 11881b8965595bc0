/** `verify` of a whole place: every backup there, what is missing, what is left over. */
import type { Check } from '../../model/evidence.ts';
import { formatBytes } from '../../model/units.ts';
import type { Site } from '../../activities/site.ts';
import type { Catalogued } from '../../activities/storage/catalogue.ts';
import type { PlaceProblem, PlaceVerdict } from '../../activities/operations/place/verify-place.ts';
import type { Store, WritableStore } from '../../activities/storage/types.ts';
import type { Work } from '../../activities/work.ts';
import type { Cli } from './context.ts';

export interface VerifyPlaceOptions {
  readonly source?: string;
  readonly destination?: string;
  readonly deep?: boolean;
  readonly scratch?: string;
}

export async function verifyWholePlace(cli: Cli, options: VerifyPlaceOptions): Promise<void> {
  const [{ verifyPlace }, { openPlace }, { placeOption }, { exitStatus }] = await Promise.all([
    import('../../activities/operations/place/verify-place.ts'),
    import('../backups/places.ts'),
    import('./place-option.ts'),
    import('../../model/errors.ts'),
  ]);
  const site = await cli.site();
  const destination = placeOption(options.destination) ?? null;
  const place = await openPlace(site, destination);
  const repository = destination === null ? null : await repositoryOf(cli, site);
  const names = Object.keys(site.config.destinations).filter((name) => name !== destination);
  const others = await Promise.all(names.map(async (name) => (await openPlace(site, name)).store));
  const deep = options.deep ? await restoring(cli, site, place.store, options.scratch) : undefined;
  const verdict = await verifyPlace({
    site,
    store: place.store,
    destination,
    repository,
    others: [repository, ...others].filter((store) => store !== null),
    ...(options.source !== undefined && { source: options.source }),
    ...(deep && { deep }),
    tell: (problem) => cli.out.note(problemText(cli, place.name, problem)),
    work: await cli.work(place.name),
  });
  const bad = verdict.problems.filter(({ problem }) => problem !== 'extra');
  const ok = bad.length === 0;
  const good = verdict.frozen.length > 0 ? 'frozen' : 'ok';
  cli.out.result({ place: place.name, verdict: ok ? good : 'failed', ...verdict }, () =>
    summary(cli, place.name, verdict),
  );
  if (!ok) cli.exitWith(exitStatus('verification-failed'));
  else if (verdict.unchecked.length > 0 || verdict.frozen.length > 0) cli.exitWith(exitStatus('partial'));
}

/** With the repository gone, what is missing is told by recovery points alone. */
async function repositoryOf(cli: Cli, site: Site): Promise<Store | null> {
  const [{ openPlace }, { BackupError }] = await Promise.all([
    import('../backups/places.ts'),
    import('../../model/errors.ts'),
  ]);
  try {
    return (await openPlace(site, null)).store;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    cli.out.note(`What is missing cannot be told by the repository: ${error.message}`);
    return null;
  }
}

async function restoring(
  cli: Cli,
  site: Site,
  store: WritableStore,
  scratch: string | undefined,
): Promise<(chain: readonly Catalogued[], work: Work) => Promise<readonly Check[]>> {
  const [{ proveBackup }, { tmpdir }, path] = await Promise.all([
    import('../../activities/operations/restore.ts'),
    import('node:os'),
    import('node:path'),
  ]);
  const within = scratch === undefined ? tmpdir() : path.resolve(cli.cwd, scratch);
  return (chain, work) => proveBackup({ site, store, chain, within, work });
}

function problemText({ out }: Cli, place: string, { problem, of, found }: PlaceProblem): string {
  const word = problem.toUpperCase().replaceAll('-', ' ');
  return `${of} at ${place}: ${problem === 'extra' ? out.style('yellow', word) : out.style('red', word)}: ${found.join('; ')}`;
}

function summary(
  { out }: Cli,
  place: string,
  { backups, bytes, problems, unchecked, frozen, unrecorded }: PlaceVerdict,
): string {
  const counts = Map.groupBy(problems, ({ problem }) => problem);
  const told = [...counts].map(([problem, { length }]) => `${length} ${problem.replaceAll('-', ' ')}`);
  const ok = problems.every(({ problem }) => problem === 'extra');
  const frozenAlone = frozen.length === backups ? out.style('yellow', 'FROZEN') : out.style('green', 'ok');
  const verdict = ok ? frozenAlone : out.style('red', 'FAILED');
  return [
    `${place}: ${verdict}: ${backups} backups, ${formatBytes(bytes)} read${told.length > 0 ? `: ${told.join(', ')}` : ''}`,
    ...(unchecked.length > 0
      ? [`  nothing of ${unchecked.length} could be checked on this machine: ${unchecked.slice(0, 5).join(', ')}`]
      : []),
    ...(frozen.length > 0
      ? [
          `  ${frozen.length} lie frozen, and are not verified by this: there with their sizes, signed, and not read: ${frozen.slice(0, 5).join(', ')}`,
          `  mosaic-backup copies thaw REFERENCE --from ${place} brings one back`,
        ]
      : []),
    ...(unrecorded ? [`  not recorded: ${unrecorded.count} verdicts: ${unrecorded.why}`] : []),
    ...(ok ? [] : ['  mosaic-backup copies repair puts right what another place has']),
  ].join('\n');
}
