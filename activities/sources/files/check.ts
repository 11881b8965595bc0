/** Check of a restored tree: against the newest inventory, entry by entry. */
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
  const { compared, differences, unsettled } = compareTree(expected, await readTree(restored, work), { owners });
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
            detail: `changed while they were captured, not compared: ${list(unsettled.map(showPath))}`,
          },
        ]),
    ...(owners
      ? []
      : [{ name: 'owners', compared: false, ok: true, detail: 'not compared: only root can restore them' }]),
    await contentsCheck(restored, earlier, work),
    { name: 'attributes', compared: false, ok: true, detail: ATTRIBUTES },
  ];
}

/**
 * The first proof of a backup has nothing to compare with, but the digests of the archives, which were right: it records what it
 * found, and every later one, from whatever place, must find the same.
 */
async function contentsCheck(restored: string, earlier: CheckContext['earlier'], work: Work): Promise<Check> {
  const name = CONTENTS;
  if (earlier === undefined)
    return {
      name,
      compared: false,
      ok: true,
      detail: 'not compared file by file: the digest of each archive was checked while it was read',
    };
  const digest = await contentsDigest(restored, work);
  const [known] = earlier;
  if (known === undefined) {
    const detail = 'recorded for later proofs: the digest of each archive was checked while it was read';
    return { name, compared: false, ok: true, detail, digest };
  }
  const ok = known.digest === digest;
  const found = ok ? 'the contents of all files are what' : 'the contents of files differ from what';
  return { name, compared: true, ok, detail: `${found} an earlier proof found, ${known.told}`, digest };
}

function list(texts: readonly string[]): string {
  const rest = texts.length > NAMED ? `; and ${texts.length - NAMED} more` : '';
  return `${texts.slice(0, NAMED).join('; ')}${rest}`;
}
