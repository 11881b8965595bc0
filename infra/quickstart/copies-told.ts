/** Where a run has left confirmed copies, in words. Pure. */
import { reachOf, type DestinationConfig } from '../../model/config/destination.ts';
import type { RunReport } from '../../model/run.ts';

/** The repository, as the screen calls it. */
export const HERE = 'here';

export interface ToldPlaces {
  readonly repository: string;
  readonly destinations: Readonly<Record<string, DestinationConfig>>;
}

/** A line for each set of places, with the sources whose backups were read there and confirmed; then a line for each place. */
export function copiesTold({ sources }: RunReport, { repository, destinations }: ToldPlaces): readonly string[] {
  const names = [HERE, ...Object.keys(destinations)];
  const held = Map.groupBy(sources, ({ verified, copies }) => {
    const at = new Set(copies.map(({ destination }) => destination));
    return names.filter((name) => (name === HERE ? verified : at.has(name))).join(', ');
  });
  const width = Math.max(...names.map((name) => name.length));
  return [
    ...[...held].map(([at, those]) => `${those.map(({ source }) => source).join(', ')}: ${counted(at)}`),
    `  ${HERE.padEnd(width)}  ${repository} (repository)`,
    ...Object.entries(destinations).map(([name, config]) => `  ${name.padEnd(width)}  ${reachOf(config)}`),
  ];
}

function counted(at: string): string {
  if (at === '') return 'no confirmed copy';
  const count = at.split(', ').length;
  return `${count} confirmed ${count === 1 ? 'copy' : 'copies'}: ${at}`;
}
