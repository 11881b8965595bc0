import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { markBackup } from '../../../../activities/operations/mark.ts';
import { prune } from '../../../../activities/operations/prune/index.ts';
import type { Site } from '../../../../activities/site.ts';
import { retentionLines } from '../../../../model/retention/lines.ts';
import { cleanUp } from '../../../support/folders.ts';
import { testWork } from '../../../support/work.ts';

import { DAY, EVERYWHERE, openLab, SOURCE, verdicts, type Lab } from './lab.ts';

describe('prune: what is kept', () => {
  let lab: Lab;
  let folder: string;
  let site: Site;

  beforeEach(async () => {
    lab = await openLab();
    ({ folder, site } = lab);
  });
  after(cleanUp);

  it('tells every decision with its reasons, and deletes only what it is told to', async () => {
    const old = await lab.at(EVERYWHERE, 9);
    const yesterday = await lab.at(EVERYWHERE, 1);
    const today = await lab.at(EVERYWHERE, 0);
    await lab.checked(yesterday);
    const told = await lab.run({ apply: false });
    const expected = {
      [old.folder]: 'delete: expired',
      [yesterday.folder]: 'keep: period',
      [today.folder]: 'keep: period',
    };
    assert.deepEqual(verdicts(told, 'repository'), expected);
    assert.deepEqual(verdicts(told, 'vault'), expected);
    assert.equal((await lab.held('vault')).length, 3);
    const { summary } = await lab.run();
    for (const place of EVERYWHERE) assert.deepEqual(await lab.held(place), [yesterday.folder, today.folder]);
    assert.deepEqual(
      summary.places.map(({ place, deleted, left }) => [place, deleted.backups, left.backups]),
      [
        ['repository', 1, 0],
        ['vault', 1, 0],
        ['cold', 0, 0],
      ],
    );
    assert.ok(!existsSync(path.join(folder, 'vault', old.folder)), 'nothing of it is left');
  });

  it('P43 leaves a parent with live children, and deletes a chain whose last child is over children first', async () => {
    const full = await lab.at(EVERYWHERE, 12);
    const first = await lab.at(EVERYWHERE, 11, { parent: full.manifest });
    const alive = await lab.at(EVERYWHERE, 2, { parent: first.manifest });
    const newest = await lab.at(EVERYWHERE, 0);
    assert.deepEqual(verdicts(await lab.run(), 'repository'), {
      [full.folder]: 'due: expired parent',
      [first.folder]: 'due: expired parent',
      [alive.folder]: 'keep: period',
      [newest.folder]: 'keep: period',
    });
    assert.equal((await lab.held('repository')).length, 4);
    lab.now += 6 * DAY;
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    const work = testWork();
    await prune({ site, now: lab.now, apply: true, work });
    const deleted = work.logged.filter((line) => line.includes('backup deleted') && line.includes('"vault"'));
    assert.deepEqual(
      deleted.map((line) => /\/(\d{8}T\d{6}Z-\w+)"/.exec(line)?.[1]),
      [alive, first, full].map(({ name }) => name.id),
    );
  });

  it('keeps the newest verified full, the last proven one, and what is on hold, also where a place that knows of the hold is away', async () => {
    const lawsuit = await lab.at(EVERYWHERE, 40);
    const proven = await lab.at(EVERYWHERE, 35);
    const verified = await lab.at(EVERYWHERE, 30);
    const plain = await lab.at(EVERYWHERE, 20);
    await lab.at(EVERYWHERE, 1, { parent: (await lab.at(EVERYWHERE, 2)).manifest });
    await lab.at(EVERYWHERE, 0);
    const marked = { site, manifest: lawsuit.manifest, last: undefined };
    await markBackup({ ...marked, what: 'hold', reason: 'case 4711' });
    // Only the vault knows of it now; then only the repository.
    const marks = path.join(site.repository, 'evidence', SOURCE, lawsuit.name.id);
    await rename(marks, path.join(folder, 'marks'));
    assert.equal(verdicts(await lab.run({ apply: false }), 'repository')[lawsuit.folder], 'due: expired hold');
    await rename(path.join(folder, 'marks'), marks);
    await lab.checked(proven, 'test');
    await lab.checked(verified);
    await rename(path.join(folder, 'vault'), path.join(folder, 'gone'));
    const { summary, decisions } = await lab.run();
    assert.match(summary.places[1]?.away ?? '', /vault/);
    const codes = decisions
      .filter(({ place }) => place === 'repository')
      .map(({ backup, reasons }) => [backup.folder, reasons.at(-1)?.code]);
    const found = Object.fromEntries(codes);
    assert.equal(found[lawsuit.folder], 'hold');
    assert.equal(found[verified.folder], 'verified');
    assert.equal(found[proven.folder], 'proven');
    assert.ok(!(await lab.held('repository')).includes(plain.folder));
    const end = await markBackup({ ...marked, what: 'unhold', reason: 'closed', last: undefined });
    assert.deepEqual(
      end.lacking.map(({ place }) => place),
      ['vault'],
    );
    await rename(path.join(folder, 'gone'), path.join(folder, 'vault'));
    await lab.run();
    assert.ok(!(await lab.held('vault')).includes(lawsuit.folder), 'the end of the hold counts where its record lacks');
  });

  it('stops for a source that is overdue or shrank, and where a manifest cannot be read, and says so', async () => {
    await lab.at(EVERYWHERE, 20);
    const late = await lab.at(EVERYWHERE, 9);
    await lab.at(EVERYWHERE, 5);
    assert.match((await lab.run()).summary.stopped[0]?.reasons.join() ?? '', /newest backup is 5d .*overdue/);
    await lab.at(EVERYWHERE, 1);
    assert.match((await lab.run()).summary.stopped[0]?.reasons.join() ?? '', /nothing had come for 4d/);
    const small = await lab.at(EVERYWHERE, 0, { artifacts: { 'base.tar.zst.age': Buffer.from('lost') } });
    const shrunk = await lab.run();
    assert.match(shrunk.summary.stopped[0]?.reasons.join() ?? '', new RegExp(`${small.name.id} has 23 % of what`));
    assert.ok((await lab.held('vault')).includes(late.folder), 'nothing was deleted by all that');
    await markBackup({ site, manifest: small.manifest, what: 'accept', reason: 'so it is', last: undefined });
    await writeFile(path.join(folder, 'vault', small.folder, 'manifest.json'), 'damaged');
    await lab.run();
    assert.ok((await lab.held('vault')).includes(late.folder));
    assert.ok(!(await lab.held('repository')).includes(late.folder), 'another place is not stopped by it');
  });

  it('keeps a monthly in the repository until every destination that is to hold it does', async () => {
    const old = await lab.at(EVERYWHERE, 9);
    const monthly = await lab.at(['repository', 'vault'], 3, { tier: 'monthly' });
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    assert.equal(verdicts(await lab.run(), 'repository')[monthly.folder], 'due: elsewhere owed', 'cold lacks it');
    await lab.at(['cold'], 3, { tier: 'monthly' });
    assert.equal(verdicts(await lab.run(), 'repository')[monthly.folder], 'delete: elsewhere');
    assert.ok(!(await lab.held('repository')).includes(old.folder));
    assert.ok((await lab.held('cold')).includes(monthly.folder));
  });

  it('takes nobody else’s manifest for a new success of the source', async () => {
    await lab.at(EVERYWHERE, 20);
    const late = await lab.at(EVERYWHERE, 9);
    for (const days of [1, 0]) await lab.at(EVERYWHERE, days, { signer: signer(newSigningKey().privatePem) });
    const { decisions } = await lab.run();
    const reasons = decisions.find(({ backup }) => backup.folder === late.folder)?.reasons.map(({ code }) => code);
    assert.deepEqual(reasons, ['expired', 'newest', 'overdue']);
    assert.equal((await lab.held('vault')).length, 4);
  });

  it('deletes nothing anywhere while the clock of a destination disagrees with ours', async () => {
    await lab.at(EVERYWHERE, 9);
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    const { summary } = await lab.run(lab.vaultWith({ clock: () => Promise.resolve(new Date(lab.now - DAY)) }));
    assert.deepEqual(
      summary.places.map(({ deleted, left }) => deleted.backups + left.backups),
      [0, 0, 0],
    );
    assert.match(summary.stopped[0]?.reasons.join() ?? '', /the clock of vault is 24h 0m|the clock of vault is 1d/);
  });

  it('is done for others by a host that has no repository of theirs', async () => {
    const old = await lab.at(EVERYWHERE, 9);
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    const keeper = {
      ...site,
      host: 'keeper',
      repository: path.join(folder, 'own'),
      state: path.join(folder, 'own-state'),
    };
    const { summary } = await prune({ site: keeper, now: lab.now, apply: true, work: testWork() });
    assert.deepEqual(
      summary.places.map(({ deleted }) => deleted.backups),
      [0, 1, 0],
    );
    assert.ok(!(await lab.held('vault')).includes(old.folder));
    assert.ok((await lab.held('repository')).includes(old.folder));
  });

  it('says what is due where nobody here may delete, and fails by that in nothing', async () => {
    const old = await lab.at(EVERYWHERE, 9);
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    const { summary } = await lab.run(lab.vaultWith({ pruner: () => Promise.resolve(null) }));
    const vault = summary.places.find(({ place }) => place === 'vault');
    assert.deepEqual([vault?.mayDelete, vault?.left.backups, vault?.problems], [false, 1, []]);
    assert.ok((await lab.held('vault')).includes(old.folder));
    assert.match(retentionLines(summary).join('\n'), /1 backups are due at vault, and this host has no identity/);
  });
});
