import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { writeBackup } from '../../support/backups.ts';
import { json, mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';

const printed = z.looseObject({
  applied: z.boolean(),
  decisions: z.array(z.looseObject({ place: z.string(), reference: z.string(), verdict: z.string() })),
});

describe('prune, hold and unhold on the command line', () => {
  let folder: string;
  let made: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    made = await makeSite({
      folder,
      sources: { stack: { type: 'files', group: 'configs', paths: ['/etc/hostname'] } },
    });
    for (const days of [20, 9, 1, 0]) {
      const scheduled = wholeSeconds(Date.now() - days * 86_400_000 - 60_000);
      const options = { source: 'stack', group: 'configs', scheduled, signer: await siteSigner(made.site) } as const;
      for (const place of ['repository', 'vault']) await writeBackup(path.join(folder, place), options);
    }
  });
  after(cleanUp);

  function run(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', made.file, ...args]);
  }

  async function references(verdict: string, ...args: readonly string[]): Promise<readonly string[]> {
    const { decisions } = printed.parse(JSON.parse((await run('--json', 'prune', ...args)).stdout));
    return decisions.filter((each) => each.verdict === verdict).map(({ place, reference }) => `${place} ${reference}`);
  }

  it('prints every decision and deletes with --yes only; holds keep, and are shown', async () => {
    const told = await run('prune');
    assert.equal(told.code, 0, told.stderr);
    assert.match(
      told.stdout,
      /^repository:\n {2}delete daily\/stack\/\S+-full {2}\d+ B {2}daily backups are kept 7 days, and this one's end was \d{4}-/m,
    );
    assert.match(
      told.stdout,
      /^ {2}keep {3}daily\/stack\/\S+ {2}\d+ B {2}daily backups are kept 7 days, this one until/m,
    );
    assert.match(told.stdout, /^vault: 2 to delete \(34 B\), 2 within their time, 0 kept beyond it/m);
    assert.match(told.stdout, /Nothing was deleted: --yes does it\.$/);
    const due = await references('delete');
    assert.equal(due.length, 4);

    const [, first = ''] = (due[0] ?? '').split(' ');
    const held = await run('hold', first, '--reason', 'case 4711');
    assert.equal(held.code, 0, held.stderr);
    assert.match((await run('list')).stdout, new RegExp(`${first} .*unverified, on hold`));
    assert.match((await run('show', first)).stdout, /^on hold {4}since \S+: case 4711$/m);
    assert.deepEqual(await references('due'), [`repository ${first}`, `vault ${first}`]);

    assert.equal((await references('delete', '--yes', '--dry-run')).length, 2);
    const only = await run('prune', '--yes', '--destination', 'vault');
    assert.match(only.stdout, /^vault: 1 deleted \(17 B freed\), 2 within their time, 1 kept beyond it/m);
    assert.doesNotMatch(only.stdout, /^repository/m);
    assert.equal((await run('prune', '--yes')).code, 0);
    assert.deepEqual(await references('delete'), []);

    assert.equal((await run('unhold', first, '--reason', 'closed')).code, 0);
    assert.equal((await references('delete', '--yes')).length, 2);
    assert.deepEqual(await references('due'), []);
  });

  it('says what is wrong: no reason, no hold to end, a place that is away', async () => {
    const [, newest = ''] = ((await references('keep')).at(-1) ?? '').split(' ');
    assert.equal((await run('hold', newest)).code, 2);
    assert.equal((await run('hold', newest, '--reason', ' ')).code, 2);
    const none = await run('--json', 'unhold', newest, '--reason', 'x');
    assert.deepEqual([none.code, json(none).error?.code], [4, 'refused']);
    assert.equal((await run('prune', '--destination', 'nowhere')).code, 6);
    await rename(path.join(folder, 'vault'), path.join(folder, 'gone'));
    try {
      const partial = await run('prune');
      assert.equal(partial.code, 3);
      assert.match(partial.stdout, /^vault: not looked at: The destination vault is not there/m);
      const held = await run('hold', newest, '--reason', 'case');
      assert.equal(held.code, 3);
      assert.match(held.stderr, /vault lacks the record/);
      assert.equal((await run('unhold', newest, '--reason', 'closed')).code, 3);
    } finally {
      await rename(path.join(folder, 'gone'), path.join(folder, 'vault'));
    }
  });

  it('records that a full which lost much is right', async () => {
    const [, newest = ''] = ((await references('keep')).at(-1) ?? '').split(' ');
    assert.equal((await run('prune', '--accept', newest)).code, 2);
    const accepted = await run('prune', '--accept', newest, '--reason', 'the old shop was dropped');
    assert.equal(accepted.code, 0, accepted.stderr);
    assert.match(accepted.stdout, /counts as right, recorded at repository, vault/);
  });
});
