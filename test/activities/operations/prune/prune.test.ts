import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner, trustedKeys } from '../../../../activities/keys/site-keys.ts';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { markBackup } from '../../../../activities/operations/mark.ts';
import { prune, type Pruned, type PruneRequest } from '../../../../activities/operations/prune/index.ts';
import { unfinished } from '../../../../activities/operations/prune/records.ts';
import type { Site } from '../../../../activities/site.ts';
import { listBackups, pinned, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { signEvidence, writeEvidence } from '../../../../activities/storage/evidence-file.ts';
import { acquireLease } from '../../../../activities/storage/lease.ts';
import type { Destination } from '../../../../activities/storage/types.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { readSigned } from '../../../../activities/storage/signed-record.ts';
import { EVIDENCE_SCHEMA, type UnsignedEvidence } from '../../../../model/evidence.ts';
import { pruneRecord } from '../../../../model/prune-record.ts';
import { BackupError } from '../../../../model/errors.ts';
import { retentionLines } from '../../../../model/retention/lines.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import { writeBackup, type BackupOptions } from '../../../support/backups.ts';
import { cleanUp, smallFileSystem, temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { atPoint, startCommand, type SignalPoint } from '../../../support/worker-process.ts';

const DAY = 86_400_000;
const SOURCE = 'postgres';

describe('prune', () => {
  let folder: string;
  let site: Site;
  let file: string;
  let now: number;

  beforeEach(async () => {
    folder = await temporaryFolder();
    ({ site, file } = await makeSite({
      folder,
      destinations: {
        vault: { type: 'directory', path: path.join(folder, 'vault') },
        cold: { type: 'directory', path: path.join(folder, 'cold'), tiers: ['monthly', 'yearly'] },
      },
      sources: { [SOURCE]: { type: 'files', paths: ['/etc/hostname'] } },
    }));
    now = Date.now();
  });
  after(cleanUp);

  function ago(days: number): string {
    return wholeSeconds(now - days * DAY - 3_600_000);
  }

  /** A backup of so many days ago, at each of these places. */
  async function at(places: readonly string[], days: number, options: BackupOptions = {}): Promise<Catalogued> {
    const made = { source: SOURCE, scheduled: ago(days), signer: await siteSigner(site), ...options };
    const written = await Promise.all(places.map((place) => writeBackup(path.join(folder, place), made)));
    return written[0] ?? assert.fail('a place is named');
  }

  const EVERYWHERE = ['repository', 'vault'];

  /** Leaves evidence in the repository that a backup is good. */
  async function checked({ name, manifest }: Catalogued, what: 'verify' | 'test' = 'verify'): Promise<void> {
    const unsigned = {
      schema: EVIDENCE_SCHEMA,
      site: 'test',
      backup: pinned(manifest),
      destination: null,
      what,
      time: new Date().toISOString(),
      checks: [],
      verdict: 'ok',
    } as const satisfies UnsignedEvidence;
    await writeEvidence(
      repositoryStore(site.repository),
      name,
      signEvidence({ ...unsigned, checks: [] }, await siteSigner(site)),
    );
  }

  function run(options: Partial<PruneRequest> = {}): Promise<Pruned> {
    return prune({ site, now, work: testWork(), apply: true, ...options });
  }

  /** The real vault, but for what a directory does not have: locks, an identity that may not delete, a clock of its own. */
  function vaultWith(other: Partial<Destination>): Partial<PruneRequest> {
    return {
      open: (name, of) => (name === 'vault' ? { ...openDestination(name, of), ...other } : openDestination(name, of)),
    };
  }

  function refusing(locked: (key: string) => boolean): Partial<Destination> {
    return {
      async pruner() {
        const real = (await openDestination('vault', site).pruner()) ?? assert.fail('a directory may be deleted from');
        return {
          async remove(key) {
            if (locked(key)) throw new BackupError('refused', `${key} is locked`);
            await real.remove(key);
          },
        };
      },
    };
  }

  function verdicts({ decisions }: Pruned, place: string): Readonly<Record<string, string>> {
    const own = decisions.filter((decision) => decision.place === place);
    return Object.fromEntries(
      own.map(({ backup, verdict, reasons }) => [
        backup.folder,
        `${verdict}: ${reasons.map(({ code }) => code).join(' ')}`,
      ]),
    );
  }

  async function held(place: string): Promise<readonly string[]> {
    const store = place === 'repository' ? repositoryStore(site.repository) : openDestination(place, site);
    return (await listBackups(store)).map((backup) => backup.folder);
  }

  it('tells every decision with its reasons, and deletes only what it is told to', async () => {
    const old = await at(EVERYWHERE, 9);
    const yesterday = await at(EVERYWHERE, 1);
    const today = await at(EVERYWHERE, 0);
    await checked(yesterday);
    const told = await run({ apply: false });
    const expected = {
      [old.folder]: 'delete: expired',
      [yesterday.folder]: 'keep: period',
      [today.folder]: 'keep: period',
    };
    assert.deepEqual(verdicts(told, 'repository'), expected);
    assert.deepEqual(verdicts(told, 'vault'), expected);
    assert.equal((await held('vault')).length, 3);
    const { summary } = await run();
    for (const place of EVERYWHERE) assert.deepEqual(await held(place), [yesterday.folder, today.folder]);
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
    const full = await at(EVERYWHERE, 12);
    const first = await at(EVERYWHERE, 11, { parent: full.manifest });
    const alive = await at(EVERYWHERE, 2, { parent: first.manifest });
    const newest = await at(EVERYWHERE, 0);
    assert.deepEqual(verdicts(await run(), 'repository'), {
      [full.folder]: 'due: expired parent',
      [first.folder]: 'due: expired parent',
      [alive.folder]: 'keep: period',
      [newest.folder]: 'keep: period',
    });
    assert.equal((await held('repository')).length, 4);
    now += 6 * DAY;
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    const work = testWork();
    await prune({ site, now, apply: true, work });
    const deleted = work.logged.filter((line) => line.includes('backup deleted') && line.includes('"vault"'));
    assert.deepEqual(
      deleted.map((line) => /\/(\d{8}T\d{6}Z-\w+)"/.exec(line)?.[1]),
      [alive, first, full].map(({ name }) => name.id),
    );
  });

  it('keeps the newest verified full, the last proven one, and what is on hold, also where a place that knows of the hold is away', async () => {
    const lawsuit = await at(EVERYWHERE, 40);
    const proven = await at(EVERYWHERE, 35);
    const verified = await at(EVERYWHERE, 30);
    const plain = await at(EVERYWHERE, 20);
    await at(EVERYWHERE, 1, { parent: (await at(EVERYWHERE, 2)).manifest });
    await at(EVERYWHERE, 0);
    const marked = { site, manifest: lawsuit.manifest, last: undefined };
    await markBackup({ ...marked, what: 'hold', reason: 'case 4711' });
    // Only the vault knows of it now; then only the repository.
    const marks = path.join(site.repository, 'evidence', SOURCE, lawsuit.name.id);
    await rename(marks, path.join(folder, 'marks'));
    assert.equal(verdicts(await run({ apply: false }), 'repository')[lawsuit.folder], 'due: expired hold');
    await rename(path.join(folder, 'marks'), marks);
    await checked(proven, 'test');
    await checked(verified);
    await rename(path.join(folder, 'vault'), path.join(folder, 'gone'));
    const { summary, decisions } = await run();
    assert.match(summary.places[1]?.away ?? '', /vault/);
    const codes = decisions
      .filter(({ place }) => place === 'repository')
      .map(({ backup, reasons }) => [backup.folder, reasons.at(-1)?.code]);
    const found = Object.fromEntries(codes);
    assert.equal(found[lawsuit.folder], 'hold');
    assert.equal(found[verified.folder], 'verified');
    assert.equal(found[proven.folder], 'proven');
    assert.ok(!(await held('repository')).includes(plain.folder));
    const end = await markBackup({ ...marked, what: 'unhold', reason: 'closed', last: undefined });
    assert.deepEqual(
      end.lacking.map(({ place }) => place),
      ['vault'],
    );
    await rename(path.join(folder, 'gone'), path.join(folder, 'vault'));
    await run();
    assert.ok(!(await held('vault')).includes(lawsuit.folder), 'the end of the hold counts where its record lacks');
  });

  it('stops for a source that is overdue or shrank, and where a manifest cannot be read, and says so', async () => {
    await at(EVERYWHERE, 20);
    const late = await at(EVERYWHERE, 9);
    await at(EVERYWHERE, 5);
    assert.match((await run()).summary.stopped[0]?.reasons.join() ?? '', /newest backup is 5d .*overdue/);
    await at(EVERYWHERE, 1);
    assert.match((await run()).summary.stopped[0]?.reasons.join() ?? '', /nothing had come for 4d/);
    const small = await at(EVERYWHERE, 0, { artifacts: { 'base.tar.zst.age': Buffer.from('lost') } });
    const shrunk = await run();
    assert.match(shrunk.summary.stopped[0]?.reasons.join() ?? '', new RegExp(`${small.name.id} has 23 % of what`));
    assert.ok((await held('vault')).includes(late.folder), 'nothing was deleted by all that');
    await markBackup({ site, manifest: small.manifest, what: 'accept', reason: 'so it is', last: undefined });
    await writeFile(path.join(folder, 'vault', small.folder, 'manifest.json'), 'damaged');
    await run();
    assert.ok((await held('vault')).includes(late.folder));
    assert.ok(!(await held('repository')).includes(late.folder), 'another place is not stopped by it');
  });

  it('keeps a monthly in the repository until every destination that is to hold it does', async () => {
    const old = await at(EVERYWHERE, 9);
    const monthly = await at(['repository', 'vault'], 3, { tier: 'monthly' });
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    assert.equal(verdicts(await run(), 'repository')[monthly.folder], 'due: elsewhere owed', 'cold lacks it');
    await at(['cold'], 3, { tier: 'monthly' });
    assert.equal(verdicts(await run(), 'repository')[monthly.folder], 'delete: elsewhere');
    assert.ok(!(await held('repository')).includes(old.folder));
    assert.ok((await held('cold')).includes(monthly.folder));
  });

  it('finishes what a SIGKILL left half-deleted, lists nothing half, and leaves a copy that is being made alone', async () => {
    const full = await at(EVERYWHERE, 12);
    const child = await at(EVERYWHERE, 11, { parent: full.manifest });
    await at(EVERYWHERE, 1);
    const newest = await at(EVERYWHERE, 0);
    const kept = (await held('vault')).slice(-2);
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
        const there = await held(place);
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
    await run();
    for (const place of EVERYWHERE) {
      assert.deepEqual(await held(place), kept);
      for (const { folder: gone } of [full, child])
        assert.ok(!existsSync(path.join(folder, place, gone)), `${gone} at ${place}`);
    }
    assert.deepEqual(await unfinished(vault, SOURCE, await trustedKeys(site)), []);
    assert.deepEqual(await readdir(coming), ['base.tar.zst.age']);
    assert.equal(await readlink(path.join(site.repository, 'daily', SOURCE, 'latest')), newest.name.id);
  });

  it('leaves a signed record of each deletion', async () => {
    const old = await at(EVERYWHERE, 9);
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    await run();
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

  it('says what is due where nobody here may delete, and fails by that in nothing', async () => {
    const old = await at(EVERYWHERE, 9);
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    const { summary } = await run(vaultWith({ pruner: () => Promise.resolve(null) }));
    const vault = summary.places.find(({ place }) => place === 'vault');
    assert.deepEqual([vault?.mayDelete, vault?.left.backups, vault?.problems], [false, 1, []]);
    assert.ok((await held('vault')).includes(old.folder));
    assert.match(retentionLines(summary).join('\n'), /1 backups are due at vault, and this host has no identity/);
  });

  it('keeps what a lock keeps, and all that it builds on; what is refused halfway is finished once it may be', async () => {
    const full = await at(EVERYWHERE, 12);
    const child = await at(EVERYWHERE, 11, { parent: full.manifest });
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    const isOfChild = (key: string) => key.startsWith(child.folder);
    const lockedUntil = (key: string) => Promise.resolve(isOfChild(key) ? new Date(now + DAY) : null);
    const asked = verdicts(await run({ apply: false, ...vaultWith({ lockedUntil }) }), 'vault');
    assert.deepEqual([asked[full.folder], asked[child.folder]], ['due: expired parent', 'due: expired locked']);

    const whole = await run(vaultWith(refusing(isOfChild)));
    assert.match(whole.summary.places[1]?.problems.join() ?? '', /manifest.json is locked.*builds on it could not be/);
    assert.deepEqual((await held('vault')).slice(0, 2), [child.folder, full.folder].toSorted());
    assert.deepEqual(await unfinished(openDestination('vault', site), SOURCE, await trustedKeys(site)), []);

    await run(vaultWith(refusing((key) => isOfChild(key) && key.endsWith('.zst.age'))));
    assert.ok(!(await held('vault')).includes(child.folder));
    assert.equal((await unfinished(openDestination('vault', site), SOURCE, await trustedKeys(site))).length, 1);
    await run();
    assert.equal((await held('vault')).length, 2);
    assert.ok(!existsSync(path.join(folder, 'vault', child.folder)));
  });

  it('takes nobody else’s manifest for a new success of the source', async () => {
    await at(EVERYWHERE, 20);
    const late = await at(EVERYWHERE, 9);
    for (const days of [1, 0]) await at(EVERYWHERE, days, { signer: signer(newSigningKey().privatePem) });
    const { decisions } = await run();
    const reasons = decisions.find(({ backup }) => backup.folder === late.folder)?.reasons.map(({ code }) => code);
    assert.deepEqual(reasons, ['expired', 'newest', 'overdue']);
    assert.equal((await held('vault')).length, 4);
  });

  it('deletes nothing anywhere while the clock of a destination disagrees with ours', async () => {
    await at(EVERYWHERE, 9);
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    const { summary } = await run(vaultWith({ clock: () => Promise.resolve(new Date(now - DAY)) }));
    assert.deepEqual(
      summary.places.map(({ deleted, left }) => deleted.backups + left.backups),
      [0, 0, 0],
    );
    assert.match(summary.stopped[0]?.reasons.join() ?? '', /the clock of vault is 24h 0m|the clock of vault is 1d/);
  });

  it('leaves what was put on hold after it had decided', async () => {
    const full = await at(EVERYWHERE, 12);
    const child = await at(EVERYWHERE, 11, { parent: full.manifest });
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    let asked = 0;
    const lockedUntil = async () => {
      // Locks are asked for once the first decision is made.
      asked += 1;
      if (asked === 1)
        await markBackup({ site, manifest: child.manifest, what: 'hold', reason: 'now', last: undefined });
      return null;
    };
    await run(vaultWith({ lockedUntil }));
    assert.ok(asked > 0);
    for (const place of EVERYWHERE) assert.equal((await held(place)).length, 4, place);
  });

  it('is done for others by a host that has no repository of theirs', async () => {
    const old = await at(EVERYWHERE, 9);
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    const keeper = {
      ...site,
      host: 'keeper',
      repository: path.join(folder, 'own'),
      state: path.join(folder, 'own-state'),
    };
    const { summary } = await prune({ site: keeper, now, apply: true, work: testWork() });
    assert.deepEqual(
      summary.places.map(({ deleted }) => deleted.backups),
      [0, 1, 0],
    );
    assert.ok(!(await held('vault')).includes(old.folder));
    assert.ok((await held('repository')).includes(old.folder));
  });

  it('frees a destination that is full to its last byte', async () => {
    const small = await smallFileSystem('1m');
    ({ site, file } = await makeSite({
      folder: path.join(folder, 'full'),
      destinations: { vault: { type: 'directory', path: small } },
      sources: { [SOURCE]: { type: 'files', paths: ['/etc/hostname'] } },
    }));
    const own = await siteSigner(site);
    const of = (days: number) => ({ source: SOURCE, scheduled: ago(days), signer: own });
    const old = await writeBackup(small, of(9));
    for (const days of [1, 0]) await writeBackup(small, of(days));
    await openDestination('vault', site).probe();
    await assert.rejects(writeFile(path.join(small, 'filling'), Buffer.alloc(2 * 2 ** 20)), /ENOSPC/);
    const work = testWork();
    const { summary } = await run({ work });
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

  it('leaves the repository of a source that is being captured for the next prune', async () => {
    const old = await at(EVERYWHERE, 9);
    await at(EVERYWHERE, 1);
    await at(EVERYWHERE, 0);
    const signal = AbortSignal.timeout(60_000);
    const lease = await acquireLease({ state: site.state, name: SOURCE, step: 'capture', attempt: 1, wait: 0, signal });
    const { summary } = await run();
    await lease.release();
    assert.match(summary.places[0]?.problems.join() ?? '', /is being worked on by another step \(capture/);
    assert.equal(summary.places[0]?.left.backups, 1);
    assert.ok((await held('repository')).includes(old.folder));
    assert.ok(!(await held('vault')).includes(old.folder));
  });
});

const OPERATION = 'activities/operations/prune';
/** Where a prune is killed, one after the other: each goes on where the one before was cut off. */
const POINTS: readonly SignalPoint[] = [
  { at: `${OPERATION}/records.ts#recordBegun`, when: 'left' },
  { at: `${OPERATION}/remove.ts#removeManifest`, when: 'left' },
  { at: `${OPERATION}/remove.ts#removeManifest`, when: 'left', nth: 2 },
];
