/** Check of a restored tree: against the newest inventory, entry by entry. */
import type { FilesSource } from '../../../model/config/source.ts';
import type { Check } from '../../../model/evidence.ts';
import type { CheckContext } from '../types.ts';
import { compareTree } from './compare.ts';
import { newestOf } from './chain.ts';
import { readInventory } from './inventory.ts';
import { showPath } from './names.ts';
import { isRoot } from './tar.ts';
import { readTree } from './tree.ts';

/** How many differences a check names. */
const NAMED = 20;

export async function check({ chain, restored, work }: CheckContext<FilesSource>): Promise<readonly Check[]> {
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
    {
      name: 'contents',
      compared: false,
      ok: true,
      detail: 'not compared file by file: the digest of each archive was checked while it was read',
    },
  ];
}

function list(texts: readonly string[]): string {
  const rest = texts.length > NAMED ? `; and ${texts.length - NAMED} more` : '';
  return `${texts.slice(0, NAMED).join('; ')}${rest}`;
}
