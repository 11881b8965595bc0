import assert from 'node:assert/strict';
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { Client } from 'pg';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import { writeDocuments } from '../../activities/operations/drill/documents.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import { readEvidence } from '../../activities/storage/evidence-file.ts';
import { confirmDrill } from '../../client/runs/confirm.ts';
import { drillRows } from '../../client/runs/drill-result.ts';
import { readGraph } from '../../client/runs/graph.ts';
import type { Session } from '../../client/runs/session.ts';
import type { SiteInput } from '../../model/config/site.ts';
import type { DrillAsked, DrilledSource, DrillReport, ManualPhase } from '../../model/drill/drill.ts';
import { DECLARE } from '../../model/drill/steps.ts';
import { rpoOf } from '../../model/drill/loss.ts';
import type { Verified } from '../../model/evidence.ts';
import type { RunReport } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';
import { rowsIn } from '../activities/sources/postgres/recoveries.ts';
import { damageFile } from '../support/damage.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startMariadb, type MariadbInput, type TestMariadb } from '../support/mariadb.ts';
import { processesNaming } from '../support/processes.ts';
import { freePort, ownTemporal } from '../support/ports.ts';
import { startPostgres, type PostgresInput, type TestPostgres } from '../support/postgres.ts';
import { followRunbook } from '../support/runbook.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { openSession, runDaily, runDrill, runLogs, untilWaits, type DrillOptions } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import { drillStatus } from '../../workflows/messages.ts';

describe('drDrill', function () {
  this.timeout(120_000);
  let folder: string;
  let db: TestPostgres;
  let cache: TestRedis;
  let shop: TestMariadb;
  let test: TestSite;
  let session: Session;
  /** The recovery point of all. */
  let point: string;

  before(async () => {
    folder = await temporaryFolder();
    for (const name of ['pg', 'redis', 'maria', 'wiki']) await mkdir(path.join(folder, name));
    [db, cache, shop] = await Promise.all([
      startPostgres({ folder: path.join(folder, 'pg'), settings: { log_connections: 'on' } }),
      startRedis({ folder: path.join(folder, 'redis') }),
      // Its own scheduler is off: whatever an event does, a recovered server did.
      startMariadb({ folder: path.join(folder, 'maria'), args: ['--event-scheduler=OFF'] }),
    ]);
    await db.sql('CREATE EXTENSION dblink; CREATE TABLE t (id int); INSERT INTO t VALUES (1)');
    await cache.run('SET', 'key', 'value');
    await shop.sql(`CREATE DATABASE shop; CREATE TABLE shop.t (id int PRIMARY KEY); INSERT INTO shop.t VALUES (1);
      CREATE TABLE shop.ticks (at datetime(6));
      CREATE EVENT shop.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.ticks VALUES (NOW(6))`);
    await writeFile(path.join(folder, 'wiki', 'page'), 'a page');
    const directory = (name: string) => ({ type: 'directory', path: path.join(folder, name) }) as const;
    test = await makeSite({
      folder,
      sources: {
        db: {
          ...db.config(),
          objectives: { rpo: '5m', rto: '10m' },
          probes: [rows('2')],
        },
        cache: { ...cache.config(), after: ['db'] },
        shop: {
          ...shop.config(),
          objectives: { rpo: '5m', rto: '10m' },
          probes: [{ name: 'rows', query: 'SELECT COUNT(*) FROM shop.t', expect: '2' }],
        },
        wiki: { type: 'files', paths: [path.join(folder, 'wiki')], objectives: { rto: '1ms' } },
      },
      destinations: { vault: directory('vault'), second: directory('second') },
      plans: {
        drill: {
          secondIdentity: { file: path.join(folder, 'keys', 'second.txt') },
          scratch: path.join(folder, 'scratch'),
          gameDay: true,
          deadline: '10s',
          retryFirst: '100ms',
          retryMax: '200ms',
        },
      },
      notify: [
        // Nobody listens there.
        { type: 'webhook', url: `http://127.0.0.1:${await freePort()}/` },
        {
          type: 'command',
          command: ['sh', '-c', `cat >> ${path.join(folder, 'heard')}; echo >> ${path.join(folder, 'heard')}`],
        },
      ],
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
    const scheduled = wholeSeconds(Date.now());
    point = `daily-${scheduled}`;
    assert.equal((await runDaily({ session, site: 'test', scheduled })).outcome, 'complete');
    // Binlogs have times of whole seconds: what is of the second in which they are shipped is not recovered.
    await Promise.all([db.sql('INSERT INTO t VALUES (2)'), shop.sql('INSERT INTO shop.t VALUES (2); DO SLEEP(1.1)')]);
    assert.equal((await runLogs({ session, site: 'test', scheduled: wholeSeconds(Date.now()) })).outcome, 'complete');
  });

  after(async () => {
    await session?.close();
    await Promise.all([db?.stop(), cache?.stop(), shop?.stop('immediate')]);
    await cleanUp();
  });

  it('recovers the whole stack from destinations alone, in order, measures it, and leaves nothing', async () => {
    const { repository, state } = test.site;
    const before = await connections();
    const drilling = await without(repository, async () => {
      const going = drill({ scenario: 'host-lost', manual: ['probe'] });
      await waitsFor('probe');
      return { going };
    });
    const scratch = path.join(folder, 'scratch');
    const sandbox = path.join(scratch, (await readdir(scratch))[0] ?? '');
    const text = await readFile(path.join(sandbox, 'recovery.yaml'), 'utf8');
    const left: SiteInput = parse(text);
    assert.deepEqual([left.repository, left.state], [path.join(sandbox, 'repository'), path.join(sandbox, 'state')]);
    assert.equal(left.signing?.key, undefined);
    for (const gone of [repository, state, 'signing.pem']) assert.ok(!text.includes(gone), gone);
    await confirmDrill(session.client, idOfLast(), { phase: 'probe' });
    const report = await drilling.going;
    assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 2));
    assert.deepEqual(await connections(), before, 'production was asked nothing');
    for (const { choice, probes, rto } of report.sources) {
      assert.equal(choice?.place, 'vault');
      assert.ok(probes.length > 0 && probes.every(({ ok }) => ok));
      assert.ok(rto !== null && report.rto !== null && rto <= report.rto);
    }
    for (const { losses } of report.sources) assert.ok(losses.some(({ by }) => by === 'backup'));
    const lost = report.sources.map(({ losses }) => rpoOf(losses) ?? Number.NaN);
    assert.ok(new Set(lost).size > 1 && Math.min(...lost) > 0, lost.join());
    assert.equal(report.rpo, Math.max(...lost), 'of the whole it is the worst of all sources');
    // From the declaration to its own last probe.
    for (const source of report.sources) {
      const green = Date.parse(ended(source, 'probe') ?? '') - Date.parse(report.declared ?? '');
      assert.ok(Math.abs((source.rto ?? 0) - green) <= 100, `${source.source}: ${source.rto}, ${green}`);
    }
    const last = report.sources
      .map((source) => `${ended(source, 'probe')} ${source.source}/probe`)
      .toSorted()
      .at(-1);
    assert.deepEqual(report.criticalPath.slice(-2), [last?.split(' ')[1], 'confirm/probe']);
    assert.deepEqual(report.criticalPath.slice(0, 3), ['declare', 'provision', 'choose']);
    const [pg, redis, maria] = ['db', 'cache', 'shop'].map((source) => one(report, source));
    assert.ok((started(maria, 'fetch') ?? '') < (ended(pg, 'probe') ?? ''), 'beside each other');
    assert.ok((started(pg, 'fetch') ?? '') < (ended(maria, 'probe') ?? ''), 'beside each other');
    for (const begun of report.sources) {
      const at = started(begun, 'fetch') ?? '';
      const restoring = report.sources.filter(
        (other) => (started(other, 'fetch') ?? '') <= at && at < (ended(other, 'restore') ?? ''),
      );
      assert.ok(
        restoring.length <= 2,
        `${begun.source} is restored beside ${restoring.map(({ source }) => source).join()}`,
      );
    }
    assert.equal(await endedBeforeThird(report.runId), 0, 'the next is restored while what is restored starts');
    const documents = path.join(test.site.state, 'documents');
    assert.match(await readFile(path.join(documents, 'runbook.md'), 'utf8'), new RegExp(`Proven by .*${report.runId}`));
    for (const logged of [pg, maria]) {
      assert.match(logged?.choice?.at ?? '', /^20/);
      assert.equal(rpoOf(logged?.losses ?? []), logged?.losses.find(({ by }) => by === 'commit')?.milliseconds);
    }
    assert.ok((ended(pg, 'probe') ?? '') <= (started(redis, 'fetch') ?? ''), 'cache is to come after db');
    // Of both the second row is out of the logs.
    const asked = [pg, maria].map((source) => source?.probes.map(({ name }) => name));
    assert.deepEqual(asked, [
      ['answers', 'rows'],
      ['answers', 'rows'],
    ]);
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
    for (const place of ['repository', 'vault', 'second'])
      await access(path.join(folder, place, 'drills', `${report.runId}.json`));
    const kept = await readEvidence(openDestination('vault', test.site), await trustedKeys(test.site), 'db');
    assert.deepEqual(
      kept.filter(({ what }) => what === 'drill').map(({ backup, verdict }) => [backup, verdict]),
      [[pg?.choice?.backup, 'ok']],
    );
    const graph = await readGraph(session.client, report.runId);
    assert.deepEqual(
      graph?.steps.filter(({ state }) => state !== 'done').map(({ id, state }) => [id, state]),
      [],
    );
  });

  it('told whoever is to know that it waited, that it no longer does, and which objective it missed; a dead webhook spoiled nothing', async () => {
    const heard = (await readFile(path.join(folder, 'heard'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => told.parse(JSON.parse(line)))
      .filter(({ alert }) => alert.startsWith('drill-'));
    assert.deepEqual(
      heard.map(({ alert, state }) => [alert, state]),
      [
        ['drill-waiting', 'raised'],
        ['drill-waiting', 'resolved'],
        ['drill-objective-missed', 'raised'],
      ],
    );
    assert.match(heard[0]?.remedy ?? '', /^mosaic-backup drill confirm drill-\S+ probe$/);
    assert.match(heard[2]?.message ?? '', /the RTO of wiki/);
  });

  it('removes what an earlier drill left that was ended from outside, and its servers', async () => {
    const going = drill({ scenario: 'host-lost', manual: ['probe'], sources: ['cache'] });
    const ended = assert.rejects(going);
    await waitsFor('probe');
    await session.client.workflow.getHandle(idOfLast()).terminate();
    await ended;
    const scratch = path.join(folder, 'scratch');
    const [left] = await readdir(scratch);
    assert.ok(left);
    const server = () => processesNaming(path.join(scratch, left)).length;
    assert.ok(server() > 0);
    const report = await drill({ scenario: 'host-lost', sources: ['wiki'] });
    assert.equal(report.outcome, 'complete');
    assert.deepEqual(await readdir(scratch), []);
    assert.equal(server(), 0);
  });

  it('recovers from the second destination where the first is gone too', async () => {
    const vault = path.join(folder, 'vault');
    const report = await without(vault, () => drill({ scenario: 'primary-storage-lost', sources: ['wiki', 'cache'] }));
    assert.equal(report.outcome, 'complete', JSON.stringify(report.sources.map(({ errors }) => errors)));
    for (const { choice } of report.sources) assert.deepEqual([choice?.place, choice?.others], ['second', []]);
    assert.deepEqual(report.choice?.passed, [], 'the first is not even looked at');
    assert.deepEqual(isProbed(report), { wiki: true, cache: true });
  });

  it('takes a source from another place where its copy is damaged, and calls that place proven alone', async () => {
    const cycle = (await readdir(path.join(folder, 'vault', 'daily', 'db'))).toSorted().at(-1) ?? '';
    const artifact = path.join(folder, 'vault', 'daily', 'db', cycle, 'base.tar.zst.age');
    await damageFile(artifact, 5000);
    let report: DrillReport;
    try {
      report = await drill({ scenario: 'host-lost', sources: ['db'] });
    } finally {
      await damageFile(artifact, 5000);
    }
    assert.equal(report.outcome, 'complete', JSON.stringify(report.sources.map(({ errors }) => errors)));
    const { restored } = one(report, 'db') ?? {};
    assert.equal(restored?.place, 'second');
    assert.match(restored.passed.join(), /^vault: .*base\.tar\.zst\.age/);
    assert.deepEqual(await damagedAt('db', report), ['vault'], 'on record there, until a check of it is green');
    for (const [place, records] of [
      ['vault', 0],
      ['second', 1],
    ] as const) {
      const kept = await readEvidence(openDestination(place, test.site), await trustedKeys(test.site), 'db');
      const ofDrill = kept.filter(({ what, time }) => what === 'drill' && time >= (report.declared ?? ''));
      assert.equal(ofDrill.length, records, place);
    }
    assert.equal(drillRows(report)[0]?.[3], 'second');
  });

  it('names each copy that it tried where none did, and what is damaged is on record there', async () => {
    const vault = openDestination('vault', test.site);
    const wiki = (await listBackups(vault)).find(({ name }) => name.source === 'wiki') ?? assert.fail();
    const artifacts = ['vault', 'second'].map((place) => path.join(folder, place, wiki.folder, 'base.tar.zst.age'));
    for (const artifact of artifacts) await damageFile(artifact, 100);
    let report: DrillReport;
    try {
      report = await drill({ scenario: 'host-lost', sources: ['wiki'] });
    } finally {
      for (const artifact of artifacts) await damageFile(artifact, 100);
    }
    const { outcome, restored, tried } = one(report, 'wiki') ?? {};
    assert.deepEqual([outcome, restored, tried?.damaged], ['failed', null, ['vault', 'second']]);
    assert.deepEqual(
      tried?.passed.map((why) => why.split(': ', 1)[0]),
      ['vault', 'second'],
    );
    assert.deepEqual(await damagedAt('wiki', report), ['vault', 'second']);
  });

  it('opens everything with the second identity alone', async () => {
    const [first] = test.identities;
    const report = await without(first, () => drill({ scenario: 'key-lost', sources: ['wiki', 'db'] }));
    assert.equal(report.outcome, 'complete', JSON.stringify(report.sources.map(({ errors }) => errors)));
    assert.deepEqual(isProbed(report), { wiki: true, db: true });
  });

  it('refuses to rehearse the loss of a key where the second identity is not alone in its file', async () => {
    const both = path.join(folder, 'keys', 'both.txt');
    await writeFile(both, (await Promise.all(test.identities.map((file) => readFile(file)))).join(''), { mode: 0o600 });
    const report = await withDrill({ secondIdentity: { file: both } }, () =>
      drill({ scenario: 'key-lost', sources: ['wiki'] }),
    );
    assert.deepEqual([report.outcome, report.choice], ['failed', null]);
    assert.match(report.errors[0]?.message ?? '', /its file holds them all/);
    assert.match(report.errors[0]?.remedy ?? '', /plans\.drill\.secondIdentity/);
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
  });

  it('counts what installs what is missing', async () => {
    const installed = path.join(folder, 'installed');
    const command = ['sh', '-c', `sleep 1; echo once >> ${installed}`];
    const report = await withDrill({ provision: [{ command }] }, () =>
      drill({ scenario: 'host-lost', sources: ['wiki'] }),
    );
    assert.equal(report.outcome, 'complete', JSON.stringify(report.sources.map(({ errors }) => errors)));
    assert.equal(await readFile(installed, 'utf8'), 'once\n');
    const step = report.steps.find(({ id }) => id === 'provision');
    assert.ok(Date.parse(step?.ended ?? '') - Date.parse(step?.started ?? '') >= 1000);
    for (const rto of [report.rto, one(report, 'wiki')?.rto]) assert.ok((rto ?? 0) >= 1000, `${rto}`);
  });

  it('recovers nothing where that cannot be installed, says which program failed, and leaves nothing', async () => {
    const broken: readonly (readonly [NonNullable<Drill['provision']>[number], RegExp])[] = [
      [{ command: ['false'] }, /: false failed with exit code 1/],
      [{ command: ['sleep', '60'], timeout: '100ms' }, /: sleep .*0\.1/],
    ];
    for (const [provision, message] of broken) {
      const report = await withDrill({ provision: [provision], ...ONCE }, () =>
        drill({ scenario: 'host-lost', sources: ['wiki'] }),
      );
      assert.deepEqual([report.outcome, report.choice, report.rto], ['failed', null, null]);
      const [error, ...more] = report.errors;
      assert.deepEqual([error?.step, more], ['provision', []]);
      assert.match(error?.message ?? '', message);
      assert.equal(one(report, 'wiki')?.outcome, 'failed');
      assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
    }
  });

  it('reaches nothing of production, whatever what was recovered has ways to', async () => {
    const before = await connections();
    const shipped = await logsAtAll();
    const own = path.join(folder, 'written');
    await mkdir(own, { mode: 0o777 });
    let came = 0;
    const listener = createServer((socket) => {
      came += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    assert.ok(typeof address === 'object' && address !== null);
    const to = `host=${db.socket} port=${db.port} user=postgres dbname=postgres`;
    const link = `SELECT one FROM dblink('${to}', 'SELECT 1') AS far (one int)`;
    const program = `COPY (SELECT 1) TO PROGRAM 'touch ${own}/program'`;
    const master = `MASTER_HOST = '127.0.0.1', MASTER_PORT = ${address.port}, MASTER_USER = 'r', MASTER_PASSWORD = 'r'`;
    const probes = {
      db: [
        { name: 'a link', query: link, database: 'postgres', expect: '1' },
        { name: 'a program', query: program, database: 'postgres', expect: '' },
        { name: 'archiving', query: 'SHOW archive_mode', database: 'postgres', expect: 'off' },
      ],
      shop: [
        { name: 'a file', query: `SELECT 1 INTO OUTFILE '${own}/file'`, expect: '' },
        {
          name: 'a replica',
          query: `SET GLOBAL server_id = 7; CHANGE MASTER TO ${master}; START SLAVE; DO SLEEP(1.2); SHOW SLAVE STATUS`,
          expect: { matches: 'Network is unreachable' },
        },
        // More than a second after it has started: an event would have fired.
        { name: 'events and binlogs', query: 'SELECT (SELECT COUNT(*) FROM shop.ticks), @@log_bin', expect: '0\t0' },
      ],
    };
    try {
      const report = await withProbes(probes, () => drill({ scenario: 'host-lost', sources: ['db', 'shop'] }));
      const said = ['db', 'shop'].map((source) => one(report, source)?.errors.map(({ message }) => message) ?? []);
      assert.deepEqual(
        said.map(({ length }) => length),
        [2, 1],
        JSON.stringify(report, undefined, 2),
      );
      assert.match(said[0]?.[0] ?? '', /^a link: .*could not (establish|connect)/);
      assert.match(said[0]?.[1] ?? '', /^a program: /);
      assert.match(said[1]?.[0] ?? '', /^a file: /);
    } finally {
      listener.close();
    }
    assert.deepEqual([await readdir(own), await connections(), came], [[], before, 0]);
    assert.deepEqual(await logsAtAll(), shipped);
    assert.deepEqual(await shop.sql('SELECT COUNT(*) FROM shop.ticks'), ['0']);
  });

  it('is partial where its record cannot be signed, as nobody can show later what it has shown', async () => {
    const report = await withDrill(ONCE, async () => {
      const going = drill({ scenario: 'host-lost', sources: ['wiki'], manual: ['probe'] });
      await waitsFor('probe');
      return without(path.join(folder, 'keys', 'signing.pem'), async () => {
        await confirmDrill(session.client, idOfLast(), { phase: 'probe' });
        return going;
      });
    });
    assert.deepEqual([report.outcome, one(report, 'wiki')?.outcome], ['partial', 'complete']);
    assert.ok(report.rto !== null, 'everything was back');
    const [error, ...more] = report.errors;
    assert.deepEqual([error?.step, more], ['report', []]);
    assert.match(error?.message ?? '', /signing\.pem does not exist/);
    for (const place of ['repository', 'vault', 'second'])
      await assert.rejects(access(path.join(folder, place, 'drills', `${report.runId}.json`)), place);
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
  });

  it('keeps everything up on a game day, until somebody lets it go', async () => {
    await assert.rejects(drill({ scenario: 'host-lost', gameDay: 'prod' }), /"test", not "prod"/);
    const drilling = drill({ scenario: 'host-lost', gameDay: 'test', sources: ['db', 'cache', 'wiki'] });
    await waitsFor('tear-down');
    const handle = session.client.workflow.getHandle(idOfLast());
    const live = await handle.query(drillStatus);
    assert.equal(live.outcome, 'complete', JSON.stringify(live.sources.map(({ errors }) => errors)));
    assert.ok(live.rto !== null, 'all is measured');
    assert.deepEqual(await rowsOf(one(live, 'db')), ['1', '2']);
    const scratch = path.join(folder, 'scratch');
    assert.ok(processesNaming(scratch).some(({ name }) => name === 'redis-server'));
    await access(path.join(folder, 'repository', 'drills', `${idOfLast()}.json`));
    await pause(1000);
    await confirmDrill(session.client, idOfLast(), { phase: 'tear-down', note: 'all have seen it' });
    const report = await drilling;
    assert.equal(report.rto, live.rto, 'what comes after the measurement does not count');
    assert.equal(report.confirmations.at(-1)?.note, 'all have seen it');
    assert.deepEqual([await readdir(scratch), processesNaming(scratch)], [[], []]);
  });

  it('recovers a mistake to just before it; somebody looks for himself, and the clock runs', async () => {
    const before = await clockOf(db);
    await pause(1100);
    await db.sql('DELETE FROM t WHERE id = 2');
    await runLogs({ session, site: 'test', scheduled: wholeSeconds(Date.now()) });
    const drilling = drill({ scenario: 'operator-error', at: before, manual: ['probe'], sources: ['db'] });
    const id = idOfLast();
    await waitsFor('probe');
    const live = await session.client.workflow.getHandle(id).query(drillStatus);
    assert.deepEqual(await rowsOf(one(live, 'db')), ['1', '2']);
    await assert.rejects(confirmDrill(session.client, id, { phase: 'restore' }), /Waiting for somebody: probe/);
    const form = session.client.workflow.getHandle(id);
    for (const input of [{ phase: 'probe', note: 7 }, { phase: 'probe', note: { by: 'me' } }, 'probe', null])
      await assert.rejects(form.executeUpdate('confirm', { args: [input] }), WorkflowUpdateFailedError);
    await pause(1000);
    await confirmDrill(session.client, id, { phase: 'probe', note: 'row 2 is there' });
    const report = await drilling;
    assert.equal(report.outcome, 'complete', JSON.stringify(report.sources.map(({ errors }) => errors)));
    assert.equal(report.choice?.disaster, before);
    const [word] = report.confirmations;
    assert.equal(word?.note, 'row 2 is there');
    assert.ok(word.milliseconds >= 1000 && (report.rto ?? 0) >= word.milliseconds, 'it counts');
    await assert.rejects(confirmDrill(session.client, id, { phase: 'probe' }), { code: 'not-found' });
  });

  it('is failed where a probe is red, says what it gave, and speaks against the backup', async () => {
    const report = await withProbes({ db: [rows('7')] }, () =>
      drill({ scenario: 'host-lost', sources: ['db', 'wiki'] }),
    );
    assert.equal(report.outcome, 'partial');
    assert.equal(report.rto, null);
    const [error, ...more] = one(report, 'db')?.errors ?? [];
    assert.match(error?.message ?? '', /^rows: /);
    assert.deepEqual(more, []);
    const kept = await readEvidence(openDestination('vault', test.site), await trustedKeys(test.site), 'db');
    assert.ok(kept.some(({ what, verdict }) => what === 'drill' && verdict === 'failed'));
  });

  it('says so where the scenario leaves nothing, and leaves nothing itself', async () => {
    const report = await drill({ scenario: 'ransomware' });
    assert.equal(report.outcome, 'failed');
    assert.match(report.errors[0]?.message ?? '', /no destination is locked/);
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
  });

  it('is started in the Web UI by what its docs say', async () => {
    const docs = await readFile(new URL('../../docs/drills.md', import.meta.url), 'utf8');
    const [, json = ''] = /^```json\n([^]*?)\n```$/m.exec(docs) ?? [];
    const [, type = ''] = /^\| Workflow Type \| `(\w+)`/m.exec(docs) ?? [];
    const [, id = ''] = /^\| Workflow ID +\| `([^`]+)`/m.exec(docs) ?? [];
    const input: DrillAsked = JSON.parse(json);
    assert.equal(id, `drill-${input.scheduled}`);
    const asked = { ...input, site: 'test', scenario: 'ransomware' };
    const started = await session.client.workflow.start(type, { workflowId: id, taskQueue: 'test', args: [asked] });
    const report: RunReport = await started.result();
    assert.deepEqual([report.runId, report.drill?.scenario, report.outcome], [id, 'ransomware', 'failed']);
    assert.match(report.errors[0]?.message ?? '', /no destination is locked/);
  });

  it('is declared by the schedule at a moment that nobody knows, and its clock does not run before', async () => {
    const waits = await withDrill({ declareWithin: '1h' }, async () => [await untilDeclared(), await untilDeclared()]);
    for (const seconds of waits) assert.ok(seconds > 0 && seconds <= 3600, `${seconds}`);
    assert.notEqual(waits[0], waits[1]);
  });

  it('recovers nothing where nobody says that it may, and is failed', async () => {
    const report = await withDrill({ deadline: '5s' }, () =>
      drill({ scenario: 'host-lost', manual: ['choose'], sources: ['wiki'] }),
    );
    assert.deepEqual(
      [report.outcome, report.choice, report.errors.map(({ message }) => message)],
      ['failed', null, ['nobody confirmed it in 5.0s']],
    );
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
  });

  it('leaves nothing where it is cancelled', async () => {
    const cancelling = new AbortController();
    const drilling = drill({ scenario: 'host-lost', manual: ['restore'], signal: cancelling.signal });
    await until('its sandbox is there', async () => (await readdir(path.join(folder, 'scratch'))).length > 0);
    cancelling.abort();
    await assert.rejects(drilling, { code: 'aborted' });
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
  });

  /**
   * Connections that the servers of production had: of PostgreSQL by its log, which has those that it turned away as well, of the others without those
   * of these looks.
   */
  async function connections(): Promise<readonly [postgres: number, redis: number, mariadb: number]> {
    const log = await readFile(db.server().log, 'utf8');
    const [, received] = /^total_connections_received:(\d+)/m.exec(await cache.run('INFO')) ?? [];
    const [status = ''] = await shop.sql("SHOW GLOBAL STATUS LIKE 'Connections'");
    looks += 1;
    return [log.split('connection received').length, Number(received) - looks, Number(status.split('\t')[1]) - looks];
  }
  let looks = 0;

  /** The logs that lie in the repository and at the first destination. */
  function logsAtAll() {
    return Promise.all(['repository', 'vault'].map((place) => readdir(path.join(folder, place, 'logs'), RECURSIVE)));
  }

  /** With other probes of databases. */
  function withProbes<T>(
    probes: { readonly db?: PostgresInput['probes']; readonly shop?: MariadbInput['probes'] },
    body: () => Promise<T>,
  ): Promise<T> {
    const sources = {
      ...(probes.db && { db: { ...db.config(), probes: probes.db } }),
      ...(probes.shop && { shop: { ...shop.config(), probes: probes.shop } }),
    };
    return configured((config) => ({ ...config, sources: { ...config.sources, ...sources } }), body);
  }

  function withDrill<T>(fields: Drill, body: () => Promise<T>): Promise<T> {
    return configured(
      (config) => ({ ...config, plans: { ...config.plans, drill: { ...config.plans?.drill, ...fields } } }),
      body,
    );
  }

  /** While the config is another one. */
  async function configured<T>(change: (config: SiteInput) => SiteInput, body: () => Promise<T>): Promise<T> {
    const text = await readFile(test.file, 'utf8');
    await writeFile(test.file, stringify(change(parse(text))));
    try {
      return await body();
    } finally {
      await writeFile(test.file, text);
    }
  }

  it('has in its runbook what somebody types who undoes a mistake, also in a database with logs', async () => {
    await db.sql('DELETE FROM t; INSERT INTO t VALUES (3)');
    const at = await clockOf(db);
    await pause(1100);
    await db.sql('DELETE FROM t');
    await runLogs({ session, site: 'test', scheduled: wholeSeconds(Date.now()) });
    const written = await writeDocuments({ site: test.site });
    const runbook = await readFile(path.join(written.folder, 'runbook-operator-error.md'), 'utf8');
    const [identity] = test.identities;
    const env = { AT: at, POINT: point };
    const recovered = await followRunbook({ folder: await temporaryFolder(), runbook, identity, env });
    assert.deepEqual(await rowsIn(path.join(recovered, 'db'), db.binaries.folder), [3]);
  });

  /** Rows of the recovered table, asked of the private server itself. */
  async function rowsOf(source: DrilledSource | undefined): Promise<readonly string[]> {
    const setting = source?.started?.command?.find((word) => word.startsWith('unix_socket_directories='));
    const client = new Client({ host: setting?.split('=')[1] ?? '', user: 'postgres', database: 'postgres' });
    await client.connect();
    try {
      const { rows } = await client.query<{ id: number }>('SELECT id FROM t ORDER BY id');
      return rows.map((row) => String(row.id));
    } finally {
      await client.end();
    }
  }

  /** Destinations at which a drill has put on record that the copy of a source is damaged. */
  async function damagedAt(source: string, { declared }: DrillReport): Promise<readonly string[]> {
    const places = ['vault', 'second'];
    const trusted = await trustedKeys(test.site);
    const kept = await Promise.all(
      places.map((place) => readEvidence(openDestination(place, test.site), trusted, source)),
    );
    const isBad = ({ what, verdict, time }: Verified) =>
      what === 'verify' && verdict === 'failed' && time >= (declared ?? '');
    return places.filter((_, index) => kept[index]?.some(isBad));
  }

  /** For how long one that the schedule starts waits with its declaration, in seconds; it is cancelled. */
  async function untilDeclared(): Promise<number> {
    last -= 1000;
    const asked = { workflowId: idOfLast(), taskQueue: 'test', args: [{ site: 'test', plan: 'drill' }] };
    const handle = await session.client.workflow.start('drDrill', asked);
    const declaring = async () => (await readGraph(session.client, idOfLast()))?.steps.find(({ id }) => id === DECLARE);
    await until('it waits', async () => (await declaring())?.state === 'running');
    assert.equal((await handle.query(drillStatus)).declared, null);
    const { events } = await handle.fetchHistory();
    const timer = events?.findLast((event) => event.timerStartedEventAttributes)?.timerStartedEventAttributes;
    await handle.cancel();
    await assert.rejects(handle.result());
    const { seconds = 0, nanos = 0 } = timer?.startToFireTimeout ?? {};
    return Number(seconds) + (nanos ?? 0) / 1e9;
  }

  /** How many sources of a drill had ended when it began its third. */
  async function endedBeforeThird(id: string): Promise<number> {
    const { events = [] } = await session.client.workflow.getHandle(id).fetchHistory();
    const begun = events?.flatMap((event, index) => {
      const asked = event.startChildWorkflowExecutionInitiatedEventAttributes;
      return asked?.workflowType?.name === 'drillSource' ? [index] : [];
    });
    const before = events?.slice(0, begun?.[2]) ?? [];
    return before.filter((event) => {
      const child = event.childWorkflowExecutionCompletedEventAttributes;
      return child?.workflowType?.name === 'drillSource';
    }).length;
  }

  function idOfLast(): string {
    return `drill-${wholeSeconds(last)}`;
  }

  /** Until the last drill waits for somebody. */
  function waitsFor(phase: ManualPhase): Promise<void> {
    return untilWaits(session, idOfLast(), phase);
  }

  /** Of the last drill. */
  let last = Date.now();
  function drill(options: Omit<DrillOptions, 'session' | 'site' | 'scheduled'>): Promise<DrillReport> {
    last -= 1000;
    return runDrill({ session, site: 'test', scheduled: wholeSeconds(last), ...options });
  }
});

type Drill = NonNullable<NonNullable<SiteInput['plans']>['drill']>;

const RECURSIVE = { recursive: true } as const;

/** What fails is not tried again: it would be after the deadline. */
const ONCE = { retryFirst: '1m', retryMax: '1m' } as const;

/** How many rows there are to be. */
function rows(expect: string) {
  return { name: 'rows', query: 'SELECT count(*) FROM t', database: 'postgres', expect };
}

const told = z.object({ alert: z.string(), state: z.string(), message: z.string(), remedy: z.string() });

/** While it has another name. */
async function without<T>(place: string, body: () => Promise<T>): Promise<T> {
  await rename(place, `${place}.gone`);
  try {
    return await body();
  } finally {
    await rename(`${place}.gone`, place);
  }
}

/** RFC 3339, of the server. */
async function clockOf(db: TestPostgres): Promise<string> {
  const [row] = await db.sql('SELECT clock_timestamp() AS now');
  assert.ok(row?.['now'] instanceof Date);
  return row['now'].toISOString();
}

/** Whether each source has green probes, and an RTO. */
function isProbed({ sources }: DrillReport): Readonly<Record<string, boolean>> {
  const isGreen = ({ probes, rto }: DrilledSource) => probes.length > 0 && probes.every(({ ok }) => ok) && rto !== null;
  return Object.fromEntries(sources.map((source) => [source.source, isGreen(source)]));
}

function one({ sources }: DrillReport, name: string): DrilledSource | undefined {
  return sources.find(({ source }) => source === name);
}

function started(source: DrilledSource | undefined, step: string): string | null | undefined {
  return source?.steps.find(({ name }) => name === step)?.started;
}

function ended(source: DrilledSource | undefined, step: string): string | null | undefined {
  return source?.steps.find(({ name }) => name === step)?.ended;
}
