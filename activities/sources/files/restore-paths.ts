/** Single paths out of a chain. The newest inventory says which backup's archive has each entry. */
import { chmod, lchown, lstat, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { FilesSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { FileEntry } from '../../../model/inventory.ts';
import type { BackupReader, RestoreContext } from '../types.ts';
import { intoProgram, makeWritable, newestOf } from './chain.ts';
import { compareTree, resolveLink } from './compare.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import { requireSpace } from '../../storage/space.ts';
import { errnoOf } from './errno.ts';
import { type ListedEntry, readInventory } from './inventory.ts';
import { parseMessage } from './messages.ts';
import { bufferOf, showPath } from './names.ts';
import { meantBy } from './path-globs.ts';
import { extractArchive, isRoot } from './tar.ts';
import { readTree } from './tree.ts';

type Entries = ReadonlyMap<string, ListedEntry>;

/** What is to be extracted from one archive. */
interface Part {
  readonly backup: BackupReader;
  /** Paths that were asked for, as far as this archive has something of them. */
  readonly members: readonly string[];
  /** Those of which it may have nothing at all: they changed, vanished or could not be read while they were captured. */
  readonly doubtful: ReadonlySet<string>;
  /** Files that a wanted hard link points to: extracted with it, and removed afterwards. */
  readonly helpers: readonly string[];
}

/**
 * What changed while it was captured comes as it was read.
 * @throws BackupError `not-found`, also where nothing of a path could be read when it was captured; `verification-failed` when what came out
 *   is not what the inventory says.
 */
export async function restorePaths({
  chain,
  scratch,
  target,
  paths,
  work,
}: RestoreContext<FilesSource>): Promise<void> {
  const inventory = await readInventory(newestOf(chain));
  const meant = paths.map((asked) => meantBy(asked, inventory.keys()));
  const wanted = [...new Set(meant.flat())];
  const isWanted = amongst(wanted);
  const selected = new Map([...inventory].filter(([each]) => isWanted(each)));
  const needed = [...selected.values()].reduce((sum, { size }) => sum + size, 0);
  // On the same file system, and the name that somebody knows.
  await requireSpace({ path: target ?? scratch, needed });
  const parts = await partsOf(chain, selected, wanted);
  for (const [index, { backup, members, doubtful, helpers }] of parts.entries()) {
    if (members.length === 0) continue;
    if (index > 0) await makeWritable(scratch, work);
    const program = extractArchive(scratch, nullEnded([...members, ...helpers]));
    await intoProgram(backup, { ...program, accepts: ({ stderr }) => isAbout(doubtful, stderr) });
  }
  for (const helper of parts.flatMap(({ helpers }) => helpers)) await removeHelper(scratch, helper);
  const lacking = await lackingOf(scratch, parts);
  for (const each of meant) requireHeld(each, lacking);
  await dressFolders(
    scratch,
    inventory,
    wanted.filter((each) => !lacking.has(each)),
  );
  const expected = new Map([...selected].map(([each, entry]) => [each, alone(entry, selected, inventory)]));
  const { differences } = compareTree(expected, await readTree(scratch, work), { owners: isRoot() });
  if (differences.length === 0) return;
  throw new BackupError(
    'verification-failed',
    `what was restored is not what the inventory says: ${differences.slice(0, 5).join('; ')}`,
    {
      remedy: 'Restore the whole backup instead, and report this.',
      facts: { differences: differences.length },
    },
  );
}

/** One for each archive that has something, the full first. The inventory says of each entry which one has it. */
async function partsOf(
  chain: readonly BackupReader[],
  selected: Entries,
  wanted: readonly string[],
): Promise<readonly Part[]> {
  const isWanted = amongst(wanted);
  const first = Math.min(...Array.from(selected.values(), ({ part }) => part));
  const parts: Part[] = [];
  for (const [index, backup] of chain.entries()) {
    if (index < first) continue;
    const own = [...(await readInventory(backup)).values()].filter(
      ({ part, path }) => part === index && isWanted(path),
    );
    const links = own.filter(({ type, target }) => type === 'hardlink' && target !== undefined && !isWanted(target));
    const members = topsIn(wanted, own);
    const settled = topsIn(
      wanted,
      own.filter(({ unsettled }) => unsettled !== true),
    );
    parts.push({
      backup,
      members: wanted.filter((each) => members.has(each)),
      doubtful: members.difference(settled),
      helpers: [...new Set(links.map(({ target = '' }) => target))],
    });
  }
  return parts;
}

/** Whether tar says nothing but that it found none of these. */
function isAbout(doubtful: ReadonlySet<string>, stderr: string): boolean {
  const messages = stderr.split('\n').flatMap((line) => parseMessage(line) ?? []);
  return messages.length > 0 && messages.every(({ kind, path: each }) => kind === 'absent' && doubtful.has(each));
}

/** Doubtful ones that did not come. */
async function lackingOf(scratch: string, parts: readonly Part[]): Promise<ReadonlySet<string>> {
  const lacking = new Set<string>();
  for (const { doubtful } of parts)
    for (const each of doubtful) if (!(await ifThere(lstat(inScratch(scratch, each))))) lacking.add(each);
  return lacking;
}

/** @param meant what one `--path` means. */
function requireHeld(meant: readonly string[], lacking: ReadonlySet<string>): void {
  if (!meant.every((each) => lacking.has(each))) return;
  const named = meant.slice(0, 5).map(showPath).join(', ');
  throw new BackupError(
    'not-found',
    `the backup does not hold ${named}: it vanished, or could not be read, as it was captured`,
    {
      remedy: 'An older backup may have it: see `mosaic-backup list`, and give its reference.',
      facts: { paths: meant.slice(0, 5).map(showPath) },
    },
  );
}

/** Whether a path is wanted, or lies below one that is. A glob may mean very many: each path is cut to its folders. */
function amongst(wanted: readonly string[]): (each: string) => boolean {
  const tops = new Set(wanted);
  return (each) => topOf(each, tops) !== undefined;
}

/** Those that one of these entries is, or is below of. */
function topsIn(wanted: readonly string[], entries: readonly FileEntry[]): ReadonlySet<string> {
  const tops = new Set(wanted);
  return new Set(entries.flatMap(({ path: each }) => topOf(each, tops) ?? []));
}

function topOf(each: string, tops: ReadonlySet<string>): string | undefined {
  for (let end = each.length; end > 0; end = each.lastIndexOf('/', end - 1)) {
    if (tops.has(each.slice(0, end))) return each.slice(0, end);
  }
  return undefined;
}

/** A hard link whose other name was not asked for comes back as a file of its own. */
function alone(entry: FileEntry, selected: Entries, inventory: Entries): FileEntry {
  return selected.has(entry.target ?? '') ? entry : resolveLink(entry, inventory);
}

function nullEnded(names: readonly string[]): Uint8Array {
  return Buffer.concat(names.flatMap((name) => [bufferOf(name), Buffer.of(0)]));
}

/** Folders on the way to what was asked for: tar makes them open to all, though one of them may protect its content. */
async function dressFolders(scratch: string, inventory: Entries, wanted: readonly string[]): Promise<void> {
  const above = new Set(wanted.flatMap((each) => [...each.matchAll(/\//g)].map(({ index }) => each.slice(0, index))));
  // From below: one that is closed to its owner closes what is in it.
  for (const folder of [...above].toSorted((one, two) => two.length - one.length)) {
    const entry = inventory.get(folder);
    if (entry?.type !== 'directory' || entry.unsettled === true) continue;
    const place = inScratch(scratch, folder);
    if (isRoot()) await lchown(place, entry.uid, entry.gid);
    await chmod(place, Number.parseInt(entry.mode, 8));
  }
}

async function removeHelper(scratch: string, helper: string): Promise<void> {
  await rm(inScratch(scratch, helper), { force: true });
  for (let folder = path.posix.dirname(helper); folder !== '.'; folder = path.posix.dirname(folder)) {
    try {
      await rmdir(inScratch(scratch, folder));
    } catch (error) {
      if (errnoOf(error) === 'ENOTEMPTY') return;
      throw error;
    }
  }
}

function inScratch(scratch: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${scratch}/`), bufferOf(name)]);
}
