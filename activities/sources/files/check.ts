/** Check of a restored tree: against the newest inventory, entry by entry. */
import { createHash } from 'node:crypto';
import type { FilesSource } from '../../../model/config/source.ts';
import { CONTENTS, type Check } from '../../../model/evidence.ts';
import type { Work } from '../../work.ts';
import type { CheckContext } from '../types.ts';
import { contentsDigest } from './contents.ts';
import { compareTree } from './compare.ts';
import { newestOf } from './chain.ts';
import { readInventory } from './inventory.ts';
import { showPath } from './names.ts';
import { isRoot } from './tar.ts';
import { readTree } from './tree.ts';

/** No inventory has them, and a scratch folder may lie where there are none. */
const ATTRIBUTES =
  'not compared: ACLs, extended attributes with capabilities, and numbers of devices; the digest of each archive was checked while it was read';

/** How many differences a check names. */
const NAMED = 20;

export async function check({ chain, restored, earlier, work }: CheckContext<FilesSource>): Promise<readonly Check[]> {
  const owners = isRoot();
  const expected = await readInventory(newestOf(chain));
  const tree = await readTree(restored, work);
  const { compared, differences, unsettled, unseen } = compareTree(expected, tree, { owners });
  const closed = [...tree.values()].filter((entry) => entry.closed === true);
  const unread = closed.filter(({ type }) => type === 'file').map(({ path }) => path);
  const facts = `type, size, mode, ${owners ? 'owner, ' : ''}mtime and link target`;
  return [
    {
      name: 'files',
      compared: true,
      ok: differences.length === 0,
      detail:
        differences.length === 0
          ? `${compared} entries equal the inventory in ${facts}; nothing lacks, nothing is extra`
          : list(differences),
    },
    ...(unsettled.length === 0
      ? []
      : [
          {
            name: 'changed files',
            compared: false,
            ok: true,
            detail: `changed, or could not be read, while they were captured; not compared: ${list(unsettled.map(showPath))}`,
          },
        ]),
    ...unreadable(unread, unseen),
    ...(owners
      ? []
      : [{ name: 'owners', compared: false, ok: true, detail: 'not compared: only root can restore them' }]),
    await contentsCheck(restored, { earlier, closed: closed.map(({ path }) => path), work }),
    { name: 'attributes', compared: false, ok: true, detail: ATTRIBUTES },
  ];
}

/** What whoever checks may not read says nothing against the backup: only root may read what is closed to its owner. */
function unreadable(unread: readonly string[], unseen: readonly string[]): readonly Check[] {
  const told = [
    ...(unread.length === 0 ? [] : [`the content of ${unread.length} files: ${list(unread.map(showPath))}`]),
    ...(unseen.length === 0 ? [] : [`${unseen.length} entries in closed folders: ${list(unseen.map(showPath))}`]),
  ];
  if (told.length === 0) return [];
  const detail = `not compared, since the worker may not read it (root may): ${told.join('; and ')}`;
  return [{ name: 'unreadable files', compared: false, ok: true, detail }];
}

interface Contents {
  readonly earlier: CheckContext['earlier'];
  /** Paths that whoever checks may not read. */
  readonly closed: readonly string[];
  readonly work: Work;
}

/**
 * The first proof of a backup has nothing to compare with, but the digests of the archives, which were right: it records what it
 * found, and every later one, from whatever place, must find the same.
 */
async function contentsCheck(restored: string, { earlier, closed, work }: Contents): Promise<Check> {
  const name = CONTENTS;
  if (earlier === undefined)
    return {
      name,
      compared: false,
      ok: true,
      detail: 'not compared file by file: the digest of each archive was checked while it was read',
    };
  const without = withoutOf(closed);
  const digest = `${without}${await contentsDigest(restored, work)}`;
  // What one who may read less has found compares with nothing else.
  const known = earlier.find((each) => each.digest.length === digest.length && each.digest.startsWith(without));
  if (known === undefined) {
    const which = closed.length === 0 ? '' : ', of the files that the worker may read';
    const detail = `recorded for later proofs${which}: the digest of each archive was checked while it was read`;
    return { name, compared: false, ok: true, detail, digest };
  }
  const ok = known.digest === digest;
  const which = closed.length === 0 ? '' : ' that the worker may read';
  const found = ok ? `the contents of all files${which} are what` : `the contents of files${which} differ from what`;
  return { name, compared: true, ok, detail: `${found} an earlier proof found, ${known.told}`, digest };
}

/** What a digest begins with that leaves some files out: which ones. */
function withoutOf(closed: readonly string[]): string {
  if (closed.length === 0) return '';
  const names = createHash('sha256').update(JSON.stringify(closed.toSorted())).digest('hex');
  return `without-${names.slice(0, 16)}:`;
}

function list(texts: readonly string[]): string {
  const rest = texts.length > NAMED ? `; and ${texts.length - NAMED} more` : '';
  return `${texts.slice(0, NAMED).join('; ')}${rest}`;
}
