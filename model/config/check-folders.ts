/** Repository, state, destinations, keys and sources each have a place of their own. */
import type { Draft } from './draft.ts';
import { isWithin, normalFolder } from './folders.ts';
import type { ConfigPath, ConfigProblem } from './problem.ts';

/** A folder that the config names, with the words for messages. */
interface Place {
  readonly path: ConfigPath;
  readonly folder: string;
  readonly what: string;
  /** Hosts do not share disks: only places of one host, or of all (null), can overlap. */
  readonly host: string | null;
}

export function checkFolders(site: Draft): readonly ConfigProblem[] {
  const places = [...ownPlaces(site), ...destinationPlaces(site)];
  return [
    ...checkOverlaps(places),
    ...checkKeys(site, places),
    ...checkDataFolders(site, places),
    ...checkSourcePaths(site, places),
  ];
}

function ownPlaces({ repository, state, hosts = {} }: Draft): readonly Place[] {
  const common = [place(['repository'], repository, 'the repository'), place(['state'], state, 'the state folder')];
  const own = Object.entries(hosts).flatMap(([host, folders]) => [
    place(['hosts', host, 'repository'], folders.repository, `the repository of "${host}"`, host),
    place(['hosts', host, 'state'], folders.state, `the state folder of "${host}"`, host),
  ]);
  return [...common, ...own].flat();
}

function destinationPlaces({ destinations }: Draft): readonly Place[] {
  return Object.entries(destinations).flatMap(([name, { path }]) =>
    place(['destinations', name, 'path'], path, `the destination "${name}"`),
  );
}

/** None where the config names no folder. */
function place(
  path: ConfigPath,
  folder: string | undefined,
  what: string,
  host: string | null = null,
): readonly Place[] {
  return folder === undefined ? [] : [{ path, folder: normalFolder(folder), what, host }];
}

function checkOverlaps(places: readonly Place[]): readonly ConfigProblem[] {
  return places.flatMap((later, index) =>
    places
      .slice(0, index)
      .filter((earlier) => shareDisk(earlier, later) && !overrides(earlier, later))
      .flatMap((earlier) => overlap(earlier, later)),
  );
}

function overlap(earlier: Place, later: Place): readonly ConfigProblem[] {
  const remedy = 'Give each a folder of its own, neither inside the other; copies best on another device.';
  if (earlier.folder === later.folder) return [problem(later.path, `the same folder as ${earlier.what}`, remedy)];
  if (isWithin(later.folder, earlier.folder)) return [problem(later.path, `lies inside ${earlier.what}`, remedy)];
  if (isWithin(earlier.folder, later.folder)) return [problem(later.path, `${earlier.what} lies inside it`, remedy)];
  return [];
}

/** Keys beside what they protect protect nothing. */
function checkKeys({ encryption, signing }: Draft, places: readonly Place[]): readonly ConfigProblem[] {
  const keys = [
    {
      path: ['encryption', 'identity', 'file'],
      file: encryption.identity?.file,
      what: 'the identity that opens the backups',
    },
    { path: ['signing', 'key', 'file'], file: signing.key?.file, what: 'the key that signs the backups' },
  ];
  return keys.flatMap(({ path, file, what }) => {
    const around = file === undefined ? undefined : places.find(({ folder }) => isWithin(file, folder));
    return around
      ? [
          problem(
            path,
            `${what} lies inside ${around.what}`,
            'Keep keys apart from backups, for example in /etc/mosaic-backup.',
          ),
        ]
      : [];
  });
}

/** A restore in place renames the data folder: nothing of ours may lie in it, nor it in ours. */
function checkDataFolders({ sources }: Draft, places: readonly Place[]): readonly ConfigProblem[] {
  return Object.entries(sources).flatMap(([name, { inPlace, host: own }]) => {
    const data = inPlace?.data;
    if (data === undefined) return [];
    return places
      .filter(({ host }) => host === null || own === undefined || host === own)
      .filter(({ folder }) => isWithin(folder, data) || isWithin(data, folder))
      .map(({ what, folder }) =>
        problem(
          ['sources', name, 'inPlace', 'data'],
          isWithin(folder, data) ? `${what} lies inside it, and would be renamed with it` : `lies inside ${what}`,
          'Name the data folder of the server, and keep everything else out of it.',
        ),
      );
  });
}

/** A source that contains the repository would store every earlier backup in each new one. */
function checkSourcePaths({ sources }: Draft, places: readonly Place[]): readonly ConfigProblem[] {
  return Object.entries(sources).flatMap(([name, source]) =>
    (source.paths ?? []).flatMap((path, index) => {
      if (typeof path !== 'string' || !path.startsWith('/')) return [];
      const inside = places.filter(
        ({ folder, host }) =>
          (host === null || source.host === undefined || host === source.host) &&
          (isWithin(folder, path) || isWithin(path, folder)) &&
          !isExcluded(folder, source.exclude ?? []),
      );
      return inside.map(({ what, folder }) => {
        const message = isWithin(folder, path)
          ? `${what} lies inside it, and would be backed up with it`
          : `lies inside ${what}`;
        return problem(
          ['sources', name, 'paths', index],
          message,
          `Take another path, or add "${folder}" to "exclude".`,
        );
      });
    }),
  );
}

function isExcluded(folder: string, exclude: readonly unknown[]): boolean {
  return exclude.some(
    (glob) => typeof glob === 'string' && glob.startsWith('/') && isWithin(folder, glob.replace(/\/\*+$/, '')),
  );
}

function shareDisk(one: Place, two: Place): boolean {
  return one.host === null || two.host === null || one.host === two.host;
}

/** A host's own folder stands in place of the common one, and may well be the same. */
function overrides(common: Place, own: Place): boolean {
  return common.host === null && own.host !== null && common.path.at(-1) === own.path.at(-1);
}

function problem(path: ConfigPath, message: string, remedy: string): ConfigProblem {
  return { path, at: 'value', message, remedy };
}
