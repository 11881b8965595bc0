/** Listing by rsync: one session for the whole, with filters that spare the server and the link what is not asked for. */
import { isKey } from '../../../model/paths.ts';
import { lineSplitter } from '../../streams/lines.ts';
import { MARKER } from '../place.ts';
import type { ListedObject } from '../types.ts';
import { quietWork } from '../quiet.ts';
import type { Link } from './link.ts';
import { requireSame } from './place-there.ts';
import { rootOf, runRsync } from './program.ts';

/**
 * The objects below a prefix in the order of keys. rsync lists a folder's files before its folders, so the order is made
 * here: some hundred bytes of memory an object.
 */
export async function listObjects(link: Link, prefix: string, named?: string): Promise<readonly ListedObject[]> {
  const objects = await listed(link, [
    ...below(prefix),
    ...(named === undefined ? [] : [`+ */`, `+ ${literal(named)}`, '- *']),
  ]);
  return objects.filter(({ key }) => isKey(key)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** Size of one object; undefined where there is none. Hidden ones are found as well. */
export async function sizeOf(link: Link, key: string): Promise<number | undefined> {
  return (await listed(link, [...wayTo(key), '- *'])).find((object) => object.key === key)?.bytes;
}

/** All that lies below a hidden folder. */
export function hiddenBelow(link: Link, folder: string): Promise<readonly ListedObject[]> {
  const filters = [...foldersOf(folder).map((each) => `+ /${literal(each)}/`), `+ /${literal(folder)}/**`, '- *'];
  return listed(link, filters);
}

async function listed(link: Link, filters: readonly string[]): Promise<readonly ListedObject[]> {
  const objects: ListedObject[] = [];
  const lines = lineSplitter();
  const take = (line: string) => {
    const object = parseLine(line);
    if (object) objects.push(object);
  };
  await runRsync(link, 'commands', {
    args: [
      '--list-only',
      '--recursive',
      // Plain digits, and names as they are: control characters, which no key has, are still escaped.
      '--no-human-readable',
      '--8-bit-output',
      ...[`+ /${MARKER}`, ...filters].map((filter) => `--filter=${filter}`),
      rootOf(link),
    ],
    doing: 'listing',
    work: quietWork(),
    onOutput: (chunk) => lines.push(chunk).forEach(take),
  });
  lines.rest().forEach(take);
  requireSame(link, objects.some(({ key }) => key === MARKER) ? 'there' : undefined);
  return objects;
}

/** `-rw-------         12,345 2026/11/26 19:34:32 daily/postgres/…`: plain files alone. */
export function parseLine(line: string): ListedObject | undefined {
  const [, bytes, key] = /^-[^ ]{9,10} +(\d+) \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (.+)$/s.exec(line) ?? [];
  return bytes === undefined || key === undefined ? undefined : { key, bytes: Number(bytes) };
}

/** Filters for what is below a folder: its way down, and nothing beside it; nothing that is hidden. */
function below(prefix: string): readonly string[] {
  const folders = prefix === '' ? [] : foldersOf(prefix);
  return [
    '- .*',
    ...folders.map((folder) => `+ /${literal(folder)}/`),
    ...folders.map(
      (_folder, depth) =>
        `- /${[
          ...folders
            .slice(0, depth)
            .map((each) => literal(each))
            .slice(-1),
          '*',
        ].join('/')}`,
    ),
  ];
}

/** `a/b/c` → `a`, `a/b`, `a/b/c`. */
function foldersOf(key: string): readonly string[] {
  const parts = key.split('/');
  return parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
}

/** Filters for one name, and the folders that lead to it. */
export function wayTo(key: string): readonly string[] {
  const folders = foldersOf(key).slice(0, -1);
  return [...folders.map((folder) => `+ /${literal(folder)}/`), `+ /${literal(key)}`];
}

/** A name as a filter that matches it alone: a backslash takes a sign's meaning, but only in a pattern that has any. */
export function literal(name: string): string {
  return /[*?[]/.test(name) ? name.replaceAll(/[*?[]/g, String.raw`\$&`) : name;
}
