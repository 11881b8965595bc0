/** `browse REF [PATH]`: as ls lists a folder. */
import { entriesOf, type HeldEntry } from '../../activities/operations/browse/entries.ts';
import { listed } from '../../activities/operations/browse/listing.ts';
import { openBackup } from '../../activities/operations/reader.ts';
import { fromAnyPlace } from '../../activities/operations/restore-places.ts';
import { showPath } from '../../activities/sources/files/names.ts';
import { openPlace } from '../backups/places.ts';
import type { Cli } from './context.ts';
import { table } from './output.ts';
import { placeOption } from './place-option.ts';
import { choose } from './restore/choose.ts';
import { nearestFirst } from './restore/plan.ts';

export interface BrowseOptions {
  readonly source?: string;
  readonly from?: string;
  readonly recursive?: boolean;
}

/** @throws BackupError `not-found` for a backup or a path that there is not; exit status 9 where no copy of its inventory is right. */
export async function browseCommand(cli: Cli, wanted: string, asked: string, options: BrowseOptions): Promise<void> {
  const site = await cli.site();
  const names = options.from === undefined ? nearestFirst(site) : [options.from];
  const { place, result } = await fromAnyPlace(
    names.map((name) => ({ name })),
    async ({ name }) => {
      const destination = placeOption(name) ?? null;
      const { store } = await openPlace(site, destination);
      const { chain, reference } = await choose(site, destination, wanted, { ...options, acceptAge: true });
      const backup = chain.at(-1);
      if (!backup) throw new TypeError('a choice of nothing');
      const reader = await openBackup({ site, store, backup, work: await cli.work() });
      return { reference, type: backup.manifest.type, entries: await entriesOf(reader) };
    },
    (why) => cli.out.note(`passed over: ${why}`),
  );
  const { reference, type, entries } = result;
  const found = listed(entries, asked, options.recursive ?? false);
  cli.out.note(`${reference} from ${place}: ${found.length} of ${entries.length} entries`);
  cli.out.result({ reference, from: place, path: asked, entries: found.map(asJson) }, () =>
    type === 'files' ? filesText(found) : databasesText(found),
  );
}

function asJson({ path, kind, size, file, note }: HeldEntry) {
  return { path: showPath(path), kind, size, ...file, ...(note === undefined ? {} : { note }) };
}

function filesText(found: readonly HeldEntry[]): string {
  const rows = found.map(({ path, kind, size, file }) => [
    file ? modeText(kind, file.mode) : 'd?????????',
    file ? `${file.uid}:${file.gid}` : '',
    size === null ? '' : String(size),
    file?.mtime ?? '',
    `${nameOf(path, kind)}${targetText(kind, file?.target ?? null)}${file?.unsettled ? '  (changed while it was captured)' : ''}`,
  ]);
  return table(['mode', 'owner', 'size', 'modified', 'name'], rows, ['size']);
}

function databasesText(found: readonly HeldEntry[]): string {
  const rows = found.map(({ path, kind, size, note = '' }) => [
    kind,
    size === null ? '' : String(size),
    showPath(path),
    note,
  ]);
  return table(['kind', 'size', 'name', ''], rows, ['size']);
}

function nameOf(path: string, kind: string): string {
  return kind === 'directory' ? `${showPath(path)}/` : showPath(path);
}

function targetText(kind: string, target: string | null): string {
  if (target === null) return '';
  return kind === 'hardlink' ? `  (the same file as ${showPath(target)})` : ` -> ${target}`;
}

const KINDS: Readonly<Record<string, string>> = {
  file: '-',
  hardlink: '-',
  directory: 'd',
  symlink: 'l',
  fifo: 'p',
  character: 'c',
  block: 'b',
};

/** `-rwsr-x---` */
function modeText(kind: string, octal: string): string {
  const mode = Number.parseInt(octal, 8);
  const bits = [6, 3, 0].map((shift, at) => {
    const [read, write, run] = [4, 2, 1].map((bit) => (mode >> shift) & bit);
    const special = mode & (0o4000 >> at);
    const letter = at === 2 ? 't' : 's';
    const last = special ? (run ? letter : letter.toUpperCase()) : run ? 'x' : '-';
    return `${read ? 'r' : '-'}${write ? 'w' : '-'}${last}`;
  });
  return `${KINDS[kind] ?? '?'}${bits.join('')}`;
}
