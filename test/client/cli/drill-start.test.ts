/** `drill start` and `drill confirm` as people give them, with a Temporal that serves and without one. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Session } from '../../../client/runs/session.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { json, mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { ownTemporal } from '../../support/ports.ts';
import { openSession, runDaily, untilWaits } from '../../support/session.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';

const SOURCES = ['--source', 'docs', '--source', 'wiki'];

/** What `drill start` prints. */
const waited = z.object({ outcome: z.string(), drill: z.object({ rto: z.number().nullable() }) });
const started = z.object({ run: z.string() });
const runs = z.object({
  runs: z.array(z.object({ id: z.string(), state: z.string(), waiting: z.array(z.string()) })),
});

describe('drill start', function () {
  this.timeout(120_000);
  let folder: string;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    const names = ['docs', 'wiki'];
    for (const name of names) {
      await mkdir(path.join(folder, name));
      await writeFile(path.join(folder, name, 'page'), `of ${name}`);
    }
    test = await makeSite({
      folder,
      sources: Object.fromEntries(names.map((name) => [name, { type: 'files', paths: [path.join(folder, name)] }])),
      plans: {
        drill: { scratch: path.join(folder, 'scratch'), deadline: '5s', retryFirst: '100ms', retryMax: '200ms' },
      },
      temporal: await ownTemporal(),
    });
  });
  after(cleanUp);

  describe('where no Temporal serves', () => {
    before(async () => {
      const done = await mosaic('run', 'daily');
      assert.equal(done.code, 0, done.stderr);
    });

    it('brings its own for as long as somebody waits', async () => {
      const done = await mosaic('--json', 'drill', 'start', 'host-lost', '--wait', ...SOURCES);
      assert.equal(done.code, 0, done.stderr);
      const { outcome, drill } = waited.parse(JSON.parse(done.stdout));
      assert.equal(outcome, 'complete');
      assert.ok(drill.rto !== null);
      assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
    });

    it('says that it needs one where nobody waits', async () => {
      const done = await mosaic('--json', 'drill', 'start', 'host-lost');
      assert.equal(done.code, 2);
      assert.match(json(done).error?.message ?? '', /needs a Temporal that goes on/);
      assert.match(json(done).error?.remedy ?? '', /mosaic-backup up.*--wait/);
    });

    it('says what would be rehearsed, and does nothing', async () => {
      const done = await mosaic('--json', 'drill', 'start', 'operator-error', '--dry-run', ...SOURCES);
      assert.equal(done.code, 0, done.stderr);
      const { dryRun, scenario, steps } = JSON.parse(done.stdout);
      const sources = steps.map(({ source }: { readonly source: string }) => source);
      assert.deepEqual([dryRun, scenario, sources], [true, 'operator-error', ['docs', 'wiki']]);
      assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
    });

    it('refuses what there is not, and says what there is', async () => {
      const wrong: readonly (readonly [number, RegExp, readonly string[]])[] = [
        [2, /host-lost, primary-storage-lost, operator-error, ransomware, key-lost/, ['flood']],
        [2, /provision, choose, restore, probe, tear-down/, ['host-lost', '--manual', 'coffee']],
        [6, /docs, wiki/, ['host-lost', '--source', 'nothing']],
        [2, /not a time/, ['operator-error', '--at', 'yesterday']],
        [2, /still to come/, ['operator-error', '--at', '2999-01-01T00:00:00Z']],
        [2, /host-lost happens when it is declared/, ['host-lost', '--at', '2026-01-01T00:00:00Z']],
      ];
      for (const [code, says, args] of wrong) {
        const done = await mosaic('drill', 'start', ...args, '--dry-run');
        assert.equal(done.code, code, `${args.join(' ')}: ${done.stderr}`);
        assert.match(done.stderr, says);
      }
    });

    it('plays a game day only where the config says that it may, and the site is named', async () => {
      const without = await mosaic('drill', 'start', 'host-lost', '--game-day', 'test', '--dry-run');
      assert.equal(without.code, 4);
      assert.match(without.stderr, /plans\.drill\.gameDay: true/);
      await configure((config) => ({ ...config, plans: { drill: { ...config.plans?.drill, gameDay: true } } }));
      const other = await mosaic('drill', 'start', 'host-lost', '--game-day', 'prod', '--dry-run');
      assert.equal(other.code, 4);
      assert.match(other.stderr, /this is the site "test", not "prod"/);
      const named = await mosaic('--json', 'drill', 'start', 'host-lost', '--game-day', 'test', '--dry-run');
      assert.deepEqual([named.code, JSON.parse(named.stdout).manual], [0, ['tear-down']]);
    });
  });

  describe('where one serves', () => {
    let session: Session;

    before(async () => {
      session = await openSession(test.file);
      assert.equal(
        (await runDaily({ session, site: 'test', scheduled: wholeSeconds(Date.now()) })).outcome,
        'complete',
      );
    });
    after(() => session?.close());

    it('ends as its sources did: 3 where some are back, 1 where none is', async () => {
      const probes = [{ file: path.join(folder, 'wiki', 'another') }];
      await configure((config) => ({
        ...config,
        sources: { ...config.sources, wiki: { type: 'files', paths: [path.join(folder, 'wiki')], probes } },
      }));
      const partial = await mosaic('--json', 'drill', 'start', 'host-lost', '--wait', ...SOURCES);
      assert.equal(partial.code, 3, partial.stderr);
      assert.equal(waited.parse(JSON.parse(partial.stdout)).drill.rto, null);
      // Each is named by the second in which it began.
      await until('the next second', async () => wholeSeconds(Date.now()) !== lastOf(partial));
      const failed = await mosaic('--json', 'drill', 'start', 'host-lost', '--wait', '--source', 'wiki');
      assert.equal(failed.code, 1, failed.stderr);
      assert.equal(waited.parse(JSON.parse(failed.stdout)).outcome, 'failed');
      const again = await mosaic('--json', 'runs', 'retry', `drill-${lastOf(failed)}`);
      assert.equal(again.code, 2, again.stderr);
      assert.match(json(again).error?.message ?? '', /is a drill, and has ended/);
    });

    it('is confirmed where it waits, and nowhere else', async () => {
      const done = await mosaic('--json', 'drill', 'start', 'host-lost', '--manual', 'restore', '--source', 'docs');
      assert.equal(done.code, 0, done.stderr);
      const { run } = started.parse(JSON.parse(done.stdout));
      await untilWaits(session, run, 'restore');
      const listed = await mosaic('--json', 'runs', 'list', '--plan', 'drill', '--limit', '1');
      assert.deepEqual(
        runs.parse(JSON.parse(listed.stdout)).runs.map(({ id, state, waiting }) => [id, state, waiting]),
        [[run, 'waiting', ['confirm/restore']]],
      );
      const table = await mosaic('runs', 'list', '--plan', 'drill', '--limit', '1');
      assert.match(table.stdout, new RegExp(`^${run} +waiting .* confirm/restore$`, 'm'));
      const shown = await mosaic('runs', 'show', run);
      assert.match(shown.stdout, new RegExp(`^${run}: waiting\n`));
      assert.match(shown.stdout, /^ {2}! confirm restore: waits for somebody, /m);
      assert.match(shown.stdout, new RegExp(`What to do: mosaic-backup drill confirm ${run} restore$`, 'm'));
      const skipped = await mosaic('--json', 'runs', 'skip', run, '--step', 'confirm/restore');
      assert.match(json(skipped).error?.message ?? '', /waits for somebody: mosaic-backup drill confirm/);
      const other = await mosaic('--json', 'drill', 'confirm', run, 'probe');
      assert.equal(other.code, 7, other.stderr);
      assert.match(json(other).error?.message ?? '', /Waiting for somebody: restore/);
      assert.equal((await mosaic('drill', 'confirm', run, 'restore', '--note', 'go')).code, 0);
      await session.client.workflow.getHandle(run).result();
      assert.equal((await mosaic('drill', 'confirm', run, 'restore')).code, 6);
    });
  });

  function mosaic(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', test.file, ...args]);
  }

  async function configure(change: (config: SiteInput) => SiteInput): Promise<void> {
    const config: SiteInput = parse(await readFile(test.file, 'utf8'));
    await writeFile(test.file, stringify(change(config)));
  }
});

/** The time after which a drill is named. */
function lastOf({ stdout }: Ended): string {
  const { runId } = z.object({ runId: z.string() }).parse(JSON.parse(stdout));
  return runId.slice('drill-'.length);
}
