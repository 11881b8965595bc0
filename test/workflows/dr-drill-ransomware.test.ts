/** An attacker with all that the worker has: its rights at the bucket, its folders, its signing key and its identity. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { S3 } from '@aws-sdk/client-s3';
import { parse, stringify } from 'yaml';
import { signer } from '../../activities/keys/signing.ts';
import { encodeManifest, pinned, signManifest } from '../../activities/storage/manifest-file.ts';
import { readCatalogue, type Catalogued } from '../../activities/storage/catalogue.ts';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import { readRecoveryPoints } from '../../activities/storage/recovery-points.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import { confirmDrill } from '../../client/runs/confirm.ts';
import type { Session } from '../../client/runs/session.ts';
import type { SiteInput } from '../../model/config/site.ts';
import type { DrilledSource, DrillReport } from '../../model/drill/drill.ts';
import { canonical } from '../../model/manifest.ts';
import { backupId, recoveryPointKey } from '../../model/paths.ts';
import { recoveryPoint, type RecoveryPoint } from '../../model/recovery-point.ts';
import type { PinnedReference } from '../../model/reference.ts';
import { wholeSeconds } from '../../model/time.ts';
import { rowsIn } from '../activities/sources/postgres/recoveries.ts';
import { makeBucket } from '../activities/storage/s3/place.ts';
import { storedOf } from '../support/backups.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { followRunbook } from '../support/runbook.ts';
import { grant } from '../support/s3-roles.ts';
import { openSession, runDaily, runDrill, runLogs, untilWaits, type DrillOptions } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { credentialsOf, startGateway, stopGateways, type Gateway } from '../support/versitygw.ts';

describe('drDrill of ransomware', function () {
  this.timeout(120_000);
  let folder: string;
  let gateway: Gateway;
  let bucket: string;
  /** With the worker's own credentials. */
  let attacker: S3;
  let db: TestPostgres;
  let test: TestSite;
  let session: Session;
  /** What lay locked in the bucket before the attack, newest last. */
  let locked: readonly Catalogued[];
  /** The newest recovery point that is no forgery. */
  let newest: RecoveryPoint;
  /** The moment just before the attack. */
  let at: string;

  before(async () => {
    folder = await temporaryFolder();
    for (const name of ['pg', 'wiki']) await mkdir(path.join(folder, name));
    [gateway, db] = await Promise.all([startGateway(), startPostgres({ folder: path.join(folder, 'pg') })]);
    bucket = await makeBucket(gateway, { lock: true });
    const user = await gateway.makeUser();
    await grant(gateway, bucket, { 's3-policy.json': user });
    attacker = await gateway.clientOf(user);
    await db.sql('CREATE TABLE t (id int); INSERT INTO t VALUES (1)');
    await writeFile(path.join(folder, 'wiki', 'page'), 'a page');
    test = await makeSite({
      folder,
      sources: {
        db: {
          ...db.config(),
          probes: [{ name: 'rows', query: 'SELECT count(*) FROM t', database: 'postgres', expect: '2' }],
        },
        wiki: {
          type: 'files',
          paths: [path.join(folder, 'wiki')],
          probes: [{ name: 'page', file: path.join(folder, 'wiki', 'page'), contains: 'a page' }],
        },
      },
      destinations: {
        near: { type: 'directory', path: path.join(folder, 'near') },
        remote: {
          type: 's3',
          bucket,
          endpoint: gateway.endpoint,
          credentials: credentialsOf(user),
          lock: 'governance',
        },
      },
      plans: {
        drill: { scratch: path.join(folder, 'scratch'), deadline: '10s', retryFirst: '100ms', retryMax: '200ms' },
      },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
    assert.equal((await runDaily({ session, site: 'test', scheduled: next() })).outcome, 'complete');
    const { backups } = await readCatalogue(openDestination('remote', test.site));
    locked = backups.filter(({ manifest: { source } }) => ['db', 'wiki'].includes(source));
    assert.equal(locked.length, 2);
    // Shipping begins here: a slot that is made after the next backup would leave a hole behind this one.
    assert.equal((await runLogs({ session, site: 'test', scheduled: next() })).outcome, 'complete');
    // Somebody took the lock out of the config for a while: newer backups that nothing keeps.
    await configure(({ lock: _lock, ...remote }) => remote);
    assert.equal((await runDaily({ session, site: 'test', scheduled: next() })).outcome, 'complete');
    await configure((remote) => ({ ...remote, lock: 'governance' }));
    await db.sql('INSERT INTO t VALUES (2)');
    assert.equal((await runLogs({ session, site: 'test', scheduled: next() })).outcome, 'complete');
    const { read } = await readRecoveryPoints(openDestination('remote', test.site), await trustedKeys(test.site));
    newest = read.toSorted((x, y) => (x.created < y.created ? -1 : 1)).at(-1) ?? assert.fail();
    await pause(1_100);
    at = new Date().toISOString();
    await pause(1_100);
    await attack();
  });

  after(async () => {
    attacker?.destroy();
    await session?.close();
    await db?.stop();
    await stopGateways();
    await cleanUp();
  });

  it('recovers everything from what was locked before the attack, whatever the attacker has signed since', async () => {
    const report = await drill({ at });
    assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 2));
    assert.equal(report.choice?.disaster, at);
    for (const { choice } of report.sources) assert.deepEqual([choice?.place, choice?.others], ['remote', []]);
    for (const first of locked) {
      const { choice, probes = [] } = one(report, first.manifest.source) ?? {};
      assert.deepEqual(choice?.backup, pinned(first.manifest), 'the newer one is not locked');
      assert.ok(probes.length > 1 && probes.every(({ ok }) => ok), JSON.stringify(probes));
    }
    const said = report.choice.passed.join('\n');
    for (const { name } of locked)
      assert.match(
        said,
        new RegExp(`^remote: daily/${name.source}/\\S+ is passed over: no lock keeps its manifest.json now$`, 'm'),
      );
    const losses = one(report, 'db')?.losses ?? [];
    const commit = losses.find(({ by }) => by === 'commit');
    assert.ok(commit, JSON.stringify(losses));
    assert.equal(commit.milliseconds, Date.parse(at) - Date.parse(commit.time), 'counted from the attack');
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
  });

  it('finds recovery points below what was put over them', async () => {
    const { read, problems } = await readRecoveryPoints(
      openDestination('remote', test.site),
      await trustedKeys(test.site),
    );
    assert.ok(read.length > 0);
    assert.deepEqual(problems, []);
  });

  it('wrote a runbook that does the same when its commands are typed', async () => {
    const runbook = await readFile(path.join(test.site.state, 'documents', 'runbook-ransomware.md'), 'utf8');
    const [identity] = test.identities;
    const env = { AT: at, POINT: newest.id };
    const recovered = await followRunbook({ folder: await temporaryFolder(), runbook, identity, env });
    assert.deepEqual(await rowsIn(path.join(recovered, 'db'), db.binaries.folder), [1, 2]);
    const page = path.join(recovered, 'point-wiki', 'wiki', folder, 'wiki', 'page');
    assert.equal(await readFile(page, 'utf8'), 'a page');
  });

  it('takes a moment after the newest recovery point where nobody named one, and looks at nothing that was stored later', async () => {
    const going = drill({ sources: ['wiki'], manual: ['restore'] });
    const id = `drill-${wholeSeconds(last)}`;
    await untilWaits(session, id, 'restore');
    const [sandbox = ''] = await readdir(path.join(folder, 'scratch'));
    const left: SiteInput = parse(await readFile(path.join(folder, 'scratch', sandbox, 'recovery.yaml'), 'utf8'));
    await confirmDrill(session.client, id, { phase: 'restore' });
    // What came of it depends on whether he was there by then.
    const { choice, declared } = await going;
    const { disaster = '' } = choice ?? {};
    assert.ok(newest.created < disaster && disaster < (declared ?? ''), `${newest.created} ${disaster} ${declared}`);
    const { remote } = left.destinations ?? {};
    assert.ok(remote?.type === 's3');
    assert.deepEqual([remote.before, remote.lockedOnly], [disaster, true]);
  });

  it('says what is not locked any more, where nothing else is left', async () => {
    const { admin } = gateway;
    const wiki = locked.find(({ manifest }) => manifest.source === 'wiki');
    const name = wiki?.manifest.artifacts[0]?.name;
    const Key = `${wiki?.folder}/${name}`;
    const { Versions = [] } = await admin.listObjectVersions({ Bucket: bucket, Prefix: Key });
    const VersionId = Versions.at(-1)?.VersionId;
    assert.ok(name && VersionId);
    // Its lock has ended.
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + 1_100) } as const;
    await admin.putObjectRetention({ Bucket: bucket, Key, VersionId, Retention, BypassGovernanceRetention: true });
    await pause(1_500);
    const report = await drill({ at, sources: ['wiki'] });
    assert.equal(report.outcome, 'failed');
    const [error] = one(report, 'wiki')?.errors ?? [];
    assert.match(error?.message ?? '', /^no backup of it is locked: remote: daily\/wiki\//);
    assert.match(report.choice?.passed.join('\n') ?? '', new RegExp(`no lock keeps its ${name} now`));
  });

  /** All of it with what the worker has. */
  async function attack(): Promise<void> {
    await db.sql('DELETE FROM t; INSERT INTO t VALUES (666)');
    // His logs are shipped by the worker itself, signed and locked.
    assert.equal((await runLogs({ session, site: 'test', scheduled: next() })).outcome, 'complete');
    const { Versions = [] } = await attacker.listObjectVersions({ Bucket: bucket });
    const keys = [...new Set(Versions.map(({ Key = '' }) => Key))];
    assert.ok(keys.some((key) => key.startsWith('logs/')) && keys.some((key) => key.startsWith('recovery-points/')));
    for (const Key of keys) {
      await assert.rejects(attacker.deleteObject({ Bucket: bucket, Key }), { name: 'AccessDenied' });
      await put(Key, randomBytes(100));
    }
    await forge(keys);
    // And by whoever may hide everything as well.
    for (const Key of keys.filter((_key, index) => index % 2 === 0))
      await gateway.admin.deleteObject({ Bucket: bucket, Key });
    for (const place of ['repository', 'near', 'wiki']) await overwriteAll(path.join(folder, place));
  }

  /** What the host's own key has signed: other artifacts under the old names, an old backup as the newest, and a recovery point that names it. */
  async function forge(keys: readonly string[]): Promise<void> {
    const own = signer(await readFile(path.join(folder, 'keys', 'signing.pem'), 'utf8'));
    const sources: { readonly source: string; readonly backup: PinnedReference }[] = [];
    for (const { folder: old, manifest } of locked) {
      const junk = randomBytes(100);
      const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, ...storedOf(junk) }));
      await put(`${old}/manifest.json`, encodeManifest(signManifest({ ...manifest, artifacts }, own)));
      const scheduled = wholeSeconds(Date.parse(at) - 2_000);
      const id = backupId(scheduled, 'full');
      const newest = signManifest({ ...manifest, id, scheduled, artifacts }, own);
      const to = `${path.posix.dirname(old)}/${id}`;
      for (const { name } of artifacts) await put(`${to}/${name}`, junk);
      await put(`${to}/manifest.json`, encodeManifest(newest));
      // As it is, under a newer name.
      await put(`${path.posix.dirname(old)}/${backupId(at, 'full')}/manifest.json`, encodeManifest(manifest));
      sources.push({ source: manifest.source, backup: pinned(newest) });
    }
    const key = keys.filter((each) => each.startsWith('recovery-points/')).toSorted()[0] ?? '';
    const [first] = await versions(key);
    const point = recoveryPoint.parse(JSON.parse(String(Buffer.from(first ?? []))));
    const { signature: _signature, ...unsigned } = {
      ...point,
      id: 'daily-2026-01-01T00:00:00Z',
      created: new Date(Date.parse(at) - 1_000).toISOString(),
      sources: point.sources.map((entry) =>
        Object.assign(
          entry,
          sources.find(({ source }) => source === entry.source),
        ),
      ),
    };
    const signed = { ...unsigned, signature: own.sign(canonical(unsigned)) };
    await put(recoveryPointKey(unsigned.id), Buffer.from(JSON.stringify(signed)));
  }

  async function put(Key: string, Body: Uint8Array): Promise<void> {
    await attacker.putObject({ Bucket: bucket, Key, Body });
  }

  /** Of an object, the oldest first. */
  async function versions(Key: string): Promise<readonly Uint8Array[]> {
    const { Versions = [] } = await attacker.listObjectVersions({ Bucket: bucket, Prefix: Key });
    return Promise.all(
      Versions.toReversed().map(async ({ VersionId }) => {
        const { Body } = await attacker.getObject({ Bucket: bucket, Key, VersionId });
        return (await Body?.transformToByteArray()) ?? new Uint8Array();
      }),
    );
  }

  async function configure(change: (remote: Remote) => Remote): Promise<void> {
    const config: SiteInput = parse(await readFile(test.file, 'utf8'));
    const remote = config.destinations?.['remote'];
    assert.ok(remote?.type === 's3');
    await writeFile(
      test.file,
      stringify({ ...config, destinations: { ...config.destinations, remote: change(remote) } }),
    );
  }

  let last = Date.now() - 60_000;
  function next(): string {
    last += 1000;
    return wholeSeconds(last);
  }
  function drill(options: Pick<DrillOptions, 'at' | 'sources' | 'manual'>): Promise<DrillReport> {
    return runDrill({ session, site: 'test', scheduled: next(), scenario: 'ransomware', ...options });
  }
});

type Remote = Extract<NonNullable<SiteInput['destinations']>[string], { readonly type: 's3' }>;

/** All but the mark by which the host knows its repository: without it the drill itself could not put its record there. */
async function overwriteAll(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && !entry.name.startsWith('.'))
      await writeFile(path.join(entry.parentPath, entry.name), randomBytes(100));
}

function one({ sources }: DrillReport, name: string): DrilledSource | undefined {
  return sources.find(({ source }) => source === name);
}
