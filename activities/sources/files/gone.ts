/** What an incremental does not have any more, by the folders that tar recorded for it and for its parent. */
import { textOf } from './names.ts';
import type { Snapshot, SnapshotFolder } from './snapshot.ts';

/** Paths that are gone, each with all below it. */
export function goneBetween(before: Snapshot, after: Snapshot): readonly string[] {
  const then = new Map(before.folders.map((folder) => [folder.name, folder]));
  const now = new Map(after.folders.map((folder) => [folder.name, folder]));
  return before.folders.flatMap((folder) => {
    const here = now.get(folder.name);
    if (here) return folder.entries.equals(here.entries) ? [] : missing(folder, namesIn(here));
    // It went with a folder above it, or that one's entries tell. Else its name is a file's now: its content is gone.
    const [parent, name] = split(folder.name);
    const above = now.get(parent);
    const stillThere = above ? namesIn(above).has(name) : !then.has(parent);
    return stillThere ? missing(folder, new Set()) : [];
  });
}

function missing(folder: SnapshotFolder, names: ReadonlySet<string>): readonly string[] {
  return [...namesIn(folder)].filter((name) => !names.has(name)).map((name) => textOf(`${folder.name}/${name}`));
}

/** Byte strings. */
function namesIn({ entries }: SnapshotFolder): ReadonlySet<string> {
  const listed = entries.toString('latin1').split('\0');
  return new Set(listed.filter((entry) => entry !== '').map((entry) => entry.slice(1)));
}

function split(name: string): readonly [parent: string, last: string] {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
}
