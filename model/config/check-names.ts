/** Names become folders, queues and labels: their spelling, and whether their paths would collide. */
import { sourceFolder } from '../paths.ts';
import { defaultGroup, NAME, NAME_RULE, TIERS, type Group } from '../source.ts';
import type { Draft } from './draft.ts';
import { OWN_PREFIX } from './own-source.ts';
import type { ConfigProblem } from './problem.ts';

/** `latest` is a link beside backups, `apps` a folder of sources; `plan`, `retention` and `confirm` are steps of runs themselves. */
const RESERVED: ReadonlySet<string> = new Set(['apps', 'latest', 'plan', 'retention', 'confirm']);

export function checkNames(site: Draft): readonly ConfigProblem[] {
  const named = { hosts: site.hosts ?? {}, sources: site.sources, destinations: site.destinations };
  return [
    ...Object.entries(named).flatMap(([section, entries]) => checkSpelling(section, Object.keys(entries))),
    ...checkReserved(site),
    ...checkCollisions(site),
  ];
}

function checkSpelling(section: string, names: readonly string[]): readonly ConfigProblem[] {
  const wrong = names
    .filter((name) => !NAME.test(name))
    .map((name) => problem([section, name], 'not a name', `${sentence(NAME_RULE)}.`));
  const twins = names.flatMap((name, index) => {
    const twin = names.slice(0, index).find((earlier) => earlier.toLowerCase() === name.toLowerCase());
    const remedy = 'Names differ in more than capital letters: some file systems do not tell those apart.';
    return twin === undefined
      ? []
      : [problem([section, name], `differs from "${twin}" only in capital letters`, remedy)];
  });
  return [...wrong, ...twins];
}

/** As the repository is called among the places, in commands and in what retention decides. */
const PLACE = 'repository';

function checkReserved({ sources, destinations }: Draft): readonly ConfigProblem[] {
  return [...reservedSources(sources), ...reservedDestinations(destinations)];
}

function reservedDestinations(destinations: Draft['destinations']): readonly ConfigProblem[] {
  return Object.keys(destinations)
    .filter((name) => name.toLowerCase() === PLACE)
    .map((name) =>
      problem(
        ['destinations', name],
        'a destination cannot have this name: the repository itself has it',
        'Choose another name.',
      ),
    );
}

function reservedSources(sources: Draft['sources']): readonly ConfigProblem[] {
  return Object.entries(sources).flatMap(([name, source]) => {
    const lower = name.toLowerCase();
    const reserved =
      RESERVED.has(lower) || lower.startsWith(OWN_PREFIX) || (lower === 'system' && groupOf(source) !== 'system');
    if (!reserved) return [];
    return [
      problem(['sources', name], 'a source cannot have this name: the product uses it itself', 'Choose another name.'),
    ];
  });
}

/** Two sources whose backups would lie in one folder, or one inside the other's. */
function checkCollisions({ sources }: Draft): readonly ConfigProblem[] {
  const entries = Object.entries(sources).map(([name, source]) => ({
    name,
    folders: foldersOf(name, groupOf(source)),
  }));
  return entries.flatMap(({ name, folders }, index) => {
    const earlier = entries.slice(0, index);
    // The same name but for case is reported as such.
    const other = earlier.find(
      (entry) =>
        entry.name.toLowerCase() !== name.toLowerCase() &&
        entry.folders.some((one) => folders.some((two) => nested(one, two))),
    );
    if (!other) return [];
    const message = `its backups would lie in the folder of those of "${other.name}"`;
    return [problem(['sources', name], message, 'Rename one of them, or give it another group.')];
  });
}

function foldersOf(source: string, group: Group): readonly string[] {
  return TIERS.map((tier) => sourceFolder({ source, group, tier }).toLowerCase());
}

function nested(one: string, two: string): boolean {
  return `${one}/`.startsWith(`${two}/`) || `${two}/`.startsWith(`${one}/`);
}

function groupOf(source: Draft['sources'][string]): Group {
  return source.group ?? defaultGroup(source.type ?? 'files');
}

function problem(path: readonly string[], message: string, remedy: string): ConfigProblem {
  return { path, at: 'key', message, remedy };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
