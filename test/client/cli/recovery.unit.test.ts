import assert from 'node:assert/strict';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import { soundest } from '../../../client/cli/restore/recovery.ts';
import { parseTarget } from '../../../model/target.ts';
import { fullBackup, logsBackup } from '../../support/entries.ts';

const FULL = '2026-11-23T02:00:00Z';

function at(minute: number): string {
  return `2026-11-23T02:${minute}:00Z`;
}

describe('a recovery to a time at a place that others can write to', () => {
  const full = fullBackup(FULL, 2);
  const logs = [2, 3, 4].map((segment) => logsBackup({ from: segment, to: segment + 1, at: at(segment * 5) }));
  const target = parseTarget(at(19));

  async function chosen(strange: readonly Catalogued[]): Promise<readonly Catalogued[]> {
    const isStrange = (backup: Catalogued) => strange.includes(backup);
    const flawOf = (backup: Catalogued) => (isStrange(backup) ? 'is not what a trusted key has signed' : null);
    const found = await soundest([full, ...logs, ...strange], 'postgres', target, { flawOf, isStrange });
    const used = [...found.chain, ...(found.replay?.logs ?? [])];
    assert.deepEqual(used, [full, ...logs]);
    return used;
  }

  it('takes neither a full that a stranger has put there, nor logs of his', async () => {
    await chosen([]);
    await chosen([fullBackup(at(12), 3)]);
    await chosen([logsBackup({ from: 4, to: 7, at: at(20) })]);
    const { manifest, ...backup } = fullBackup(at(12), 3);
    await chosen([{ ...backup, manifest: { ...manifest, position: null } }]);
  });

  it('fails as it does without him where nothing of ours leads there', async () => {
    const isStrange = () => false;
    const flawOf = () => null;
    await assert.rejects(soundest([full], 'postgres', parseTarget(at(50)), { flawOf, isStrange }), /2026-11-23T02/);
  });
});
