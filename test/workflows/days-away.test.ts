import assert from 'node:assert/strict';
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../activities/keys/site-keys.ts';
import { listBackups, pinned, type Catalogued } from '../../activities/storage/catalogue.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import type { Session } from '../../client/runs/session.ts';
import { formatReference } from '../../model/reference.ts';
import { recoveryPoint } from '../../model/recovery-point.ts';
import type { RunReport } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';
import { writeBackup } from '../support/backups.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { mosaicHere } from '../support/command-line.ts';
import { ownTemporal } from '../support/ports.ts';
import { openSession, runCatchUp, runDaily } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';

const DAY = 86_400_000;
const PLACES = ['repository', 'vault', 'remote'];

/** Each daily is of a day of its own, up to now: what counts by ages counts them, and nobody waits. */
describe('what is away for days', () => {
  let folder: string;
  let test: TestSite;
  let session: Session;
  let hook: Webhook;
  const now = Date.now();
  let ticks = 0;

  before(async () => {
    folder = await temporaryFolder();
    hook = await startWebhook();
    for (const source of ['stack', 'wiki']) await mkdir(data(source), { recursive: true });
    test = await makeSite({
      folder,
      sources: {
        stack: { type: 'files', group: 'configs', paths: [data('stack')] },
        wiki: { type: 'files', paths: [data('wiki')] },
      },
      destinations: {
        vault: { type: 'directory', path: path.join(folder, 'vault'), alertAfter: '1ms' },
        remote: { type: 'directory', path: path.join(folder, 'remote') },
      },
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
      plans: {
        daily: {
          captureDeadline: '1s',
          copyDeadline: '1s',
          retryFirst: '100ms',
          retryMax: '400ms',
          heartbeat: '5s',
          remindAfter: '1ms',
        },
        catchUp: { deadline: '30s', workerDeadline: '5s', retryFirst: '100ms', heartbeat: '5s' },
      },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await hook?.stop();
    await cleanUp();
  });

  it('a source that fails for a week is stale, with its last good backup, which retention keeps; it is told of, and no other is affected', async () => {
    const old = { stack: await aged('stack'), wiki: await aged('wiki') };
    const good = old.wiki.at(-1) ?? assert.fail();
    await rename(data('wiki'), data('gone'));
    const reports: RunReport[] = [];
    for (const ago of [7, 6, 5, 4, 3, 2, 1]) reports.push(await daily(ago));
    for (const { runId, outcome, sources } of reports) {
      assert.equal(outcome, 'partial');
      const [stack, wiki] = ['stack', 'wiki'].map((name) => sources.find(({ source }) => source === name));
      assert.equal(stack?.outcome, 'complete', JSON.stringify(stack));
      assert.equal(wiki?.outcome, 'failed');
      const entry = (await pointOf(runId)).sources.find(({ source }) => source === 'wiki');
      assert.deepEqual([entry?.stale, entry?.outcome, entry?.backup], [true, 'failed', pinned(good.manifest)]);
    }
    const nights = reports.map(() => 'raised');
    assert.deepEqual(told('run-partial'), nights, 'told, and told again while it lasts');
    const stopped = reports.at(-1)?.retention?.flatMap((host) => host.stopped) ?? [];
    assert.deepEqual(
      stopped.map(({ source }) => source),
      ['wiki'],
    );
    assert.match(stopped[0]?.reasons.join() ?? '', /its newest backup is 9d .*overdue/);
    for (const place of PLACES) {
      const there = await referencesAt(place);
      const kept = (backups: readonly Catalogued[]) =>
        backups.map(({ name }) => formatReference(name)).filter((reference) => there.includes(reference)).length;
      assert.deepEqual([kept(old.stack), kept(old.wiki)], [0, 3], place);
    }
    await rename(data('gone'), data('wiki'));
    assert.equal((await daily(0.5)).outcome, 'complete');
    assert.deepEqual(told('run-partial'), [...nights, 'resolved']);
  });

  it('a destination that is away for three days lacks nothing afterwards: parents before children; it is told of', async () => {
    const vault = path.join(folder, 'vault');
    const before = await referencesAt('vault');
    await rename(vault, `${vault}.away`);
    for (const ago of [0.4, 0.3, 0.2]) {
      const { outcome, sources } = await daily(ago);
      assert.equal(outcome, 'partial');
      assert.ok(
        sources.every(({ captured, verified, copies }) => captured && verified && copies[0]?.destination === 'remote'),
        JSON.stringify(sources),
      );
      assert.equal((await catchUp()).outcome, 'partial');
    }
    assert.deepEqual(told('copies-behind'), ['raised'], 'once');
    const owed = (await referencesAt('remote')).filter((reference) => !before.includes(reference));
    await rename(`${vault}.away`, vault);
    assert.equal((await catchUp()).outcome, 'complete');
    assert.deepEqual(told('copies-behind'), ['raised', 'resolved']);
    const arrived = await arrivals('vault');
    const at = (reference: string) => arrived.get(reference) ?? assert.fail(reference);
    for (const { name, manifest } of await listBackups(directoryStore(vault))) {
      const { parent } = manifest;
      if (parent) assert.ok(at(parent.reference) < at(formatReference(name)), 'parents before children');
    }
    for (const source of ['stack', 'wiki']) {
      const own = owed.filter((reference) => reference.includes(`/${source}/`)).toSorted();
      assert.equal(own.length, 3, own.join());
      assert.deepEqual(
        own.toSorted((a, b) => Number(at(a) - at(b))),
        own,
      );
    }
    assert.equal((await daily(0.1)).outcome, 'complete');
    // What was due in between has gone there as well by now.
    for (const place of ['vault', 'remote'])
      assert.deepEqual(await referencesAt(place), await referencesAt('repository'), place);
    const verified = await mosaicHere(['-c', test.file, 'verify', '--destination', 'vault']);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  });

  /** Backups of a source at every place, all older than dailies are kept. The oldest first. */
  async function aged(source: string): Promise<readonly Catalogued[]> {
    const group = source === 'stack' ? ('configs' as const) : ('apps' as const);
    const of = { source, group, signer: await siteSigner(test.site), fields: { host: test.site.host } };
    const made: Catalogued[] = [];
    for (const ago of [20, 15, 9]) {
      const scheduled = wholeSeconds(now - ago * DAY);
      const written = await Promise.all(
        PLACES.map((place) => writeBackup(path.join(folder, place), { ...of, scheduled })),
      );
      made.push(...written.slice(0, 1));
    }
    return made;
  }

  /** References of the two sources' backups at a place. */
  async function referencesAt(place: string): Promise<readonly string[]> {
    const backups = await listBackups(directoryStore(path.join(folder, place)));
    return backups
      .map(({ name }) => formatReference(name))
      .filter((reference) => !reference.includes('mosaic-backup-'));
  }

  /** When each came to a place, in nanoseconds. */
  async function arrivals(place: string): Promise<ReadonlyMap<string, bigint>> {
    const backups = await listBackups(directoryStore(path.join(folder, place)));
    const times = backups.map(async (backup) => {
      const { ctimeNs } = await stat(path.join(folder, place, backup.folder, 'manifest.json'), { bigint: true });
      return [formatReference(backup.name), ctimeNs] as const;
    });
    return new Map(await Promise.all(times));
  }

  async function pointOf(run: string) {
    const bytes = await repositoryStore(test.site.repository).readSmall(`recovery-points/${run}.json`);
    return recoveryPoint.parse(JSON.parse(Buffer.from(bytes ?? '').toString()));
  }

  /** States of the messages of an alert, as they came. */
  function told(name: string): readonly string[] {
    return hook.received.filter(({ alert }) => alert === name).map(({ state }) => state);
  }

  function data(source: string): string {
    return path.join(folder, 'data', source);
  }

  /** @param ago in days. */
  async function daily(ago: number): Promise<RunReport> {
    for (const source of ['stack', 'wiki'])
      await appendFile(path.join(data(source), 'diary'), `${ago} days ago\n`).catch(() => undefined);
    return runDaily({ session, site: 'test', scheduled: wholeSeconds(now - ago * DAY) });
  }

  function catchUp(): Promise<RunReport> {
    return runCatchUp({ session, site: 'test', scheduled: wholeSeconds(now + 1000 * ticks++) });
  }
});
