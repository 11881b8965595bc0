import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, copyFile, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { trustedKeys } from '../../../../activities/keys/site-keys.ts';
import { whileReading } from '../../../../activities/operations/being-read.ts';
import { markBackup } from '../../../../activities/operations/mark.ts';
import { prune } from '../../../../activities/operations/prune/index.ts';
import { unfinished } from '../../../../activities/operations/prune/records.ts';
import { proveBackup, restoreBackup } from '../../../../activities/operations/restore.ts';
import type { Site } from '../../../../activities/site.ts';
import { listBackups, pinned } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { holderTag, thisHolder } from '../../../../activities/storage/holder.ts';
import { acquireLease } from '../../../../activities/storage/lease.ts';
import { readSigned } from '../../../../activities/storage/signed-record.ts';
import { BackupError } from '../../../../model/errors.ts';
import { pruneRecord } from '../../../../model/prune-record.ts';
import { formatReference } from '../../../../model/reference.ts';
import { cleanUp, smallFileSystem, temporaryFolder } from '../../../support/folders.ts';
import { backUp, makeRotatable } from '../../../support/rotated.ts';
import { testWork } from '../../../support/work.ts';
import { atPoint, startCommand, type SignalPoint } from '../../../support/worker-process.ts';

import { DAY, EVERYWHERE, openLab, SOURCE, verdicts, type Lab } from './lab.ts';

describe('prune: how it deletes', () => {
  let lab: Lab;
  let folder: string;
  let site: Site;
  let file: string;

  beforeEach(async () => {
    lab = await openLab();
    ({ folder, site, file } = lab);
  });
  after(cleanUp);

  it('finishes what a SIGKILL left half-deleted, lists nothing half, and leaves a copy that is being made alone', async () => {
    const full = await lab.at(EVERYWHERE, 12);
    const child = await lab.at(EVERYWHERE, 11, { parent: full.manifest });
    await lab.at(EVERYWHERE, 1);
    const newest = await lab.at(EVERYWHERE, 0);
    const kept = (await lab.held('vault')).slice(-2);
    // What a copy has put before its manifest: no record names it.
    const coming = path.join(folder, 'vault', 'daily', SOURCE, '20200101T020000Z-full');
    await mkdir(coming);
    await writeFile(path.join(coming, 'base.tar.zst.age'), 'half');
    await symlink(child.name.id, path.join(site.repository, 'daily', SOURCE, 'latest'));

    for (const [index, point] of POINTS.entries()) {
      const reached = path.join(folder, `reached-${index}`);
      const command = startCommand({ args: ['-c', file, 'prune', '--yes'], owner: folder, point, reached });
      await atPoint(command, point, reached);
      await command.ended;
      for (const place of EVERYWHERE) {
        const there = await lab.held(place);
        assert.ok(
          there.includes(full.folder) || !there.includes(child.folder),
          `a child without its parent at ${place}`,
        );
        for (const each of there) {
          const names = await readdir(path.join(folder, place, each));
          assert.ok(names.includes('base.tar.zst.age'), `${each} is listed at ${place}, and is half-deleted`);
        }
      }
    }
    const vault = openDestination('vault', site);
    const open = await unfinished(vault, SOURCE, await trustedKeys(site));
    assert.ok(open.length > 0, 'the record of what was cut off is open');
    await lab.run();
    for (const place of EVERYWHERE) {
      assert.deepEqual(await lab.held(place), kept);
      for (const { folder: gone } of [full, child])
        assert.ok(!existsSync(path.join(folder, place, gone)), `${gone} at ${place}`);
    }
    assert.deepEqual(await unfinished(vault, SOURCE, await trustedKeys(site)), []);
    assert.deepEqual(await readdir(coming), ['base.tar.zst.age']);
    assert.equal(await readlink(path.join(site.repository, 'daily', SOURCE, 'latest')), newest.name.id);
  });

  it('leaves a signed record of each deletion', async () => {
    const old = await lab.at(EVERYWHERE, 9);
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    await lab.run();
    const store = openDestination('vault', site);
    const keys: string[] = [];
    for await (const { key } of store.list(`evidence/${SOURCE}/pruned`)) keys.push(key);
    assert.deepEqual(
      keys.map((key) => key.replace(/.*Z-/, '')),
      ['begun.json', 'ended.json'],
    );
    for (const key of keys) {
      const record = await readSigned(store, key, pruneRecord, await trustedKeys(site));
      assert.deepEqual(
        record?.backups.map(({ backup, folder: of }) => [backup, of]),
        [[pinned(old.manifest), old.folder]],
      );
      assert.match(record?.backups[0]?.reason ?? '', /daily backups are kept 7 days, and this one's end was/);
    }
    await appendFile(path.join(folder, 'vault', keys[0] ?? ''), ' ');
    const [first = ''] = keys;
    const changed = (await store.readSmall(first)) ?? assert.fail('it is there');
    await writeFile(path.join(folder, 'vault', first), Buffer.from(changed.toString().replace('7 days', '8 days')));
    assert.equal(await readSigned(store, first, pruneRecord, await trustedKeys(site)), undefined);
  });

  it('takes the record of another place for none of its own', async () => {
    const old = await lab.at(EVERYWHERE, 9);
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    await lab.run();
    // As where somebody copies records from place to place, while a copy is being made at the other one.
    const records = path.join('evidence', SOURCE, 'pruned');
    const begun = (await readdir(path.join(folder, 'vault', records))).find((name) => name.includes('begun')) ?? '';
    await mkdir(path.join(folder, 'cold', records), { recursive: true });
    await copyFile(path.join(folder, 'vault', records, begun), path.join(folder, 'cold', records, begun));
    await mkdir(path.join(folder, 'cold', old.folder), { recursive: true });
    await writeFile(path.join(folder, 'cold', old.folder, 'base.tar.zst.age'), 'half');
    await lab.run();
    assert.ok(existsSync(path.join(folder, 'cold', old.folder, 'base.tar.zst.age')));
  });

  it('keeps what a lock keeps, and all that it builds on; what is refused halfway is finished once it may be', async () => {
    const full = await lab.at(EVERYWHERE, 12);
    const child = await lab.at(EVERYWHERE, 11, { parent: full.manifest });
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    const isOfChild = (key: string) => key.startsWith(child.folder);
    const lockedUntil = (key: string) => Promise.resolve(isOfChild(key) ? new Date(lab.now + DAY) : null);
    const asked = verdicts(await lab.run({ apply: false, ...lab.vaultWith({ lockedUntil }) }), 'vault');
    assert.deepEqual([asked[full.folder], asked[child.folder]], ['due: expired parent', 'due: expired locked']);

    const whole = await lab.run(lab.vaultWith(lab.refusing(isOfChild)));
    assert.match(whole.summary.places[1]?.problems.join() ?? '', /manifest.json is locked.*builds on it could not be/);
    assert.deepEqual((await lab.held('vault')).slice(0, 2), [child.folder, full.folder].toSorted());
    assert.deepEqual(await unfinished(openDestination('vault', site), SOURCE, await trustedKeys(site)), []);

    await lab.run(lab.vaultWith(lab.refusing((key) => isOfChild(key) && key.endsWith('.zst.age'))));
    assert.ok(!(await lab.held('vault')).includes(child.folder));
    assert.equal((await unfinished(openDestination('vault', site), SOURCE, await trustedKeys(site))).length, 1);
    await lab.run();
    assert.equal((await lab.held('vault')).length, 2);
    assert.ok(!existsSync(path.join(folder, 'vault', child.folder)));
  });

  it('gives up at a place that goes away in the middle, and the next one goes on', async () => {
    for (const days of [12, 11, 10]) await lab.at(EVERYWHERE, days);
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    let asked = 0;
    const pruner = () =>
      Promise.resolve({
        remove: (key: string) => {
          asked += 1;
          return Promise.reject(new BackupError('unreachable', `no way to ${key}`));
        },
      });
    const { summary } = await lab.run(lab.vaultWith({ pruner }));
    const vault = summary.places.find(({ place }) => place === 'vault');
    assert.deepEqual([asked, vault?.problems.length, vault?.deleted.backups, vault?.left.backups], [1, 1, 0, 3]);
    await lab.run();
    assert.equal((await lab.held('vault')).length, 2);
    assert.deepEqual(await unfinished(openDestination('vault', site), SOURCE, await trustedKeys(site)), []);
  });

  it('leaves what was put on hold after it had decided', async () => {
    const full = await lab.at(EVERYWHERE, 12);
    const child = await lab.at(EVERYWHERE, 11, { parent: full.manifest });
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    let asked = 0;
    const lockedUntil = async () => {
      // Locks are asked for once the first decision is made.
      asked += 1;
      if (asked === 1)
        await markBackup({ site, manifest: child.manifest, what: 'hold', reason: 'now', last: undefined });
      return null;
    };
    await lab.run(lab.vaultWith({ lockedUntil }));
    assert.ok(asked > 0);
    for (const place of EVERYWHERE) assert.equal((await lab.held(place)).length, 4, place);
  });

  it('frees a destination that is full to its last byte', async () => {
    const small = await smallFileSystem('1m');
    lab = await openLab(small);
    ({ site } = lab);
    const old = await lab.at(['vault'], 9);
    for (const days of [1, 0]) await lab.at(['vault'], days);
    await openDestination('vault', site).probe();
    await assert.rejects(writeFile(path.join(small, 'filling'), Buffer.alloc(2 * 2 ** 20)), /ENOSPC/);
    const work = testWork();
    const { summary } = await lab.run({ work });
    assert.ok(
      work.logged.some((line) => line.includes('no room for a record')),
      'the test fills nothing',
    );
    assert.deepEqual(summary.places[1]?.problems, []);
    assert.equal(summary.places[1]?.deleted.backups, 1);
    assert.ok(!existsSync(path.join(small, old.folder)));
    assert.deepEqual(await unfinished(openDestination('vault', site), SOURCE, await trustedKeys(site)), []);
    assert.equal((await readdir(path.join(small, 'evidence', SOURCE, 'pruned'))).length, 2, 'it has its record');
  });

  it('leaves what a restore is just reading, here and at a destination, with what it builds on; and not what a killed one read', async () => {
    const full = await lab.at(EVERYWHERE, 12);
    const child = await lab.at(EVERYWHERE, 11, { parent: full.manifest });
    const other = await lab.at(EVERYWHERE, 9);
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    const notes = path.join(site.state, 'reading');
    await mkdir(notes, { recursive: true });
    // Of a process that has ended: nobody has the start of this one.
    const killed = path.join(notes, `killed${holderTag({ ...thisHolder(), start: '1' })}`);
    await writeFile(killed, JSON.stringify({ folders: [other.folder] }));
    const { summary } = await whileReading({ site, backups: [full, child], work: testWork() }, () => lab.run());
    for (const { place, problems } of summary.places.filter((each) => EVERYWHERE.includes(each.place))) {
      const held = await lab.held(place);
      assert.deepEqual([held.includes(full.folder), held.includes(child.folder)], [true, true], place);
      assert.ok(!held.includes(other.folder), 'what nobody reads any more is deleted');
      assert.match(problems.join(), /incremental was not deleted: a restore is just reading it/);
    }
    assert.deepEqual(await readdir(notes), []);
    await lab.run();
    for (const place of EVERYWHERE) assert.equal((await lab.held(place)).length, 2);
  });

  it('leaves what a restore or a restore test reads, until that has ended', async () => {
    const made = await makeRotatable(await temporaryFolder(), { retention: { overdueAfter: '30d' } });
    const late = { site: made.site, now: Date.now() + 8 * DAY, apply: true, work: testWork() };
    const old = await backUp(made.site, lab.ago(12));
    // What comes next builds on nothing.
    await rm(path.join(made.site.state, 'sources'), { recursive: true });
    for (const days of [1, 0]) await backUp(made.site, lab.ago(days));
    const vault = openDestination('vault', made.site);
    const heldAtVault = async () => (await listBackups(vault)).map(({ name }) => formatReference(name));
    const chain = (await listBackups(vault)).filter(({ name }) => formatReference(name) === old);
    const problems: string[] = [];
    const open: typeof vault.open = async (key) => {
      const { summary } = await prune(late);
      problems.push(...summary.places.flatMap((place) => place.problems));
      return vault.open(key);
    };
    const to = path.join(made.folder, 'restored');
    const work = testWork();
    await restoreBackup({ site: made.site, store: { ...vault, open }, chain, to, paths: [], work });
    assert.equal(await readFile(path.join(to, made.data), 'utf8'), 'what was there first\n');
    assert.match(problems.splice(0).join(), /a restore is just reading it/);
    const within = path.join(made.folder, 'proof');
    const checks = await proveBackup({ site: made.site, store: { ...vault, open }, chain, within, work });
    assert.ok(checks.every(({ ok }) => ok));
    assert.match(problems.join(), /a restore is just reading it/);
    assert.ok((await heldAtVault()).includes(old));
    await prune(late);
    assert.ok(!(await heldAtVault()).includes(old));
  });

  it('leaves the repository of a source that is being captured for the next prune', async () => {
    const old = await lab.at(EVERYWHERE, 9);
    await lab.at(EVERYWHERE, 1);
    await lab.at(EVERYWHERE, 0);
    const signal = AbortSignal.timeout(60_000);
    const lease = await acquireLease({ state: site.state, name: SOURCE, step: 'capture', attempt: 1, wait: 0, signal });
    const { summary } = await lab.run();
    await lease.release();
    assert.match(summary.places[0]?.problems.join() ?? '', /is being worked on by another step \(capture/);
    assert.equal(summary.places[0]?.left.backups, 1);
    assert.ok((await lab.held('repository')).includes(old.folder));
    assert.ok(!(await lab.held('vault')).includes(old.folder));
  });
});

const OPERATION = 'activities/operations/prune';
/** Where a prune is killed, one after the other: each goes on where the one before was cut off. */
const POINTS: readonly SignalPoint[] = [
  { at: `${OPERATION}/records.ts#recordBegun`, when: 'left' },
  { at: `${OPERATION}/remove.ts#removeManifest`, when: 'left' },
  { at: `${OPERATION}/remove.ts#removeManifest`, when: 'left', nth: 2 },
];
