/** Runs of times that are over: what one had begun is completed, and none is made up. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { acquireLease } from '../../../activities/storage/lease.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { json, mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { freePort, ownTemporal } from '../../support/ports.ts';
import { makeSite, type TestSite } from '../../support/site.ts';

const report = z.looseObject({
  outcome: z.string(),
  sources: z.array(
    z.looseObject({
      source: z.string(),
      captured: z.looseObject({ kind: z.string(), existed: z.boolean(), warnings: z.array(z.string()) }).nullable(),
      errors: z.array(z.looseObject({ code: z.string(), message: z.string() })),
    }),
  ),
});

describe('a run of a time that is over', function () {
  this.timeout(120_000);
  let folder: string;
  let test: TestSite;
  // Two hours ago the daily was due.
  const due = wholeSeconds(Math.floor(Date.now() / 60_000) * 60_000 - 7_200_000);
  const older = wholeSeconds(Date.parse(due) - 60_000);

  before(async () => {
    folder = await temporaryFolder();
    for (const source of ['good', 'late']) {
      await mkdir(data(source), { recursive: true });
      await writeFile(path.join(data(source), 'file'), source);
    }
    await rename(data('late'), data('away'));
    test = await makeSite({
      folder,
      sources: {
        good: { type: 'files', paths: [data('good')] },
        late: { type: 'files', paths: [data('late')] },
      },
      plans: { daily: { at: due.slice(11, 16), captureDeadline: '1s', retryFirst: '100ms', retryMax: '200ms' } },
      retention: { prune: false },
      temporal: await ownTemporal(),
    });
  });

  after(cleanUp);

  it('is refused where there was none, with what helps instead, and makes nothing', async () => {
    // Yesterday its schedule was due at that time too, and would begin it no more.
    for (const at of ['2020-01-01T00:00:00Z', older, wholeSeconds(Date.parse(due) - 86_400_000)]) {
      for (const more of [[], ['--dry-run'], ['--source', 'good']]) {
        const refused = await mosaic('run', 'daily', '--at', at, ...more);
        assert.equal(refused.code, 4, refused.stdout + refused.stderr);
        assert.match(refused.stderr, new RegExp(`there was no run daily-${at}, .*is made up`));
        assert.match(refused.stderr, /Back up now: mosaic-backup run daily/);
      }
    }
    const justNow = wholeSeconds(Date.now() - 1_800_000);
    assert.equal(
      (await mosaic('run', 'daily', '--at', justNow, '--dry-run')).code,
      0,
      'who gives a time may need a few tries',
    );
    assert.deepEqual(await made(), []);
    const month = await mosaic('run', 'monthly', '--at', '2020-01-01T00:00:00Z');
    assert.equal(month.code, 4, month.stderr);
    assert.match(month.stderr, /no full from the seven days before it of good, late, .*Archive now/s);
  });

  it('P49 is begun where its schedule would still begin it, and the same again does only what is missing', async () => {
    const first = await mosaic('run', 'daily', '--at', due);
    assert.equal(first.code, 3, first.stderr);
    assert.match(first.stdout, new RegExp(`^daily-${due}: partial\n.*mosaic-backup runs retry daily-${due}$`, 'm'));
    assert.deepEqual(await made(), [`good/${compact(due)}-full`]);
    assert.equal(of(await run('--at', due), 'good')?.captured?.existed, true);
  });

  it('goes on where an attempt of it was cut off here, though nobody else knows it', async () => {
    const step = `daily-${older}/good`;
    const of = {
      state: test.site.state,
      name: 'good',
      step,
      attempt: 1,
      wait: 0,
      signal: new AbortController().signal,
    };
    const lease = await acquireLease(of);
    assert.equal((await mosaic('run', 'daily', '--at', older, '--dry-run')).code, 0);
    await lease.release();
    assert.equal((await mosaic('run', 'daily', '--at', older, '--dry-run')).code, 4);
  });

  it("P49 is known by its recovery point, or by its backups alone, once Temporal's data are lost", async () => {
    // Not due at that time by the config of now: only what there is speaks for it.
    const config = await readFile(test.file, 'utf8');
    const changed = config.replace(due.slice(11, 16), older.slice(11, 16));
    assert.notEqual(changed, config);
    await writeFile(test.file, changed);
    for (const lost of ['state/temporal', 'repository/recovery-points']) {
      await rm(path.join(folder, lost), { recursive: true });
      const again = await run('--at', due);
      assert.equal(of(again, 'good')?.captured?.existed, true, JSON.stringify(again));
    }
    const repository = path.join(folder, 'repository');
    await rename(repository, `${repository}.away`);
    const away = await mosaic('run', 'daily', '--at', '2020-01-01T00:00:00Z');
    await rename(`${repository}.away`, repository);
    assert.equal(away.code, 4, away.stderr);
    assert.match(away.stderr, /whether there was a run .* cannot be told.* not at repository\./s);
    assert.match(away.stderr, /Bring repository back .*doctor/);
    assert.deepEqual(await made(), [`good/${compact(due)}-full`]);
  });

  it('P49 captures nothing once a newer one was there, also by `runs retry`: no chain breaks by it', async () => {
    await rename(data('away'), data('late'));
    const now = await run();
    assert.deepEqual(kinds(now), ['good incremental', 'late full']);
    const before = await made();
    for (const words of [
      ['runs', 'retry', `daily-${due}`],
      ['run', 'daily', '--at', due],
    ]) {
      const { code, stdout, stderr } = await mosaic('--json', ...words);
      assert.equal(code, 3, stdout + stderr);
      const late = of(report.parse(JSON.parse(stdout)), 'late');
      assert.deepEqual([late?.captured, late?.errors.map((error) => error.code)], [null, ['refused']]);
      assert.match(late?.errors[0]?.message ?? '', /no backup of .*, and a newer one is there: daily\/late\//);
    }
    assert.deepEqual(await made(), before);
    const next = await run();
    assert.deepEqual(kinds(next), ['good incremental', 'late incremental']);
    assert.deepEqual(
      next.sources.flatMap(({ captured }) => captured?.warnings ?? []),
      [],
    );
  });

  it('is shown by its recovery point without Temporal; where it has none, it is said that nobody could be asked', async () => {
    assert.equal((await mosaic('runs', 'show', `daily-${due}`)).code, 0);
    for (const what of ['show', 'retry']) {
      const { code, stderr } = await mosaic('runs', what, 'daily-2020-01-01T00:00:00Z');
      assert.equal(code, 8, stderr);
      assert.match(
        stderr,
        /no recovery point of daily-2020\S+, and no Temporal runs here[^]*Start it: mosaic-backup up/,
      );
    }
  });

  it('is listed and shown by its recovery point where the Temporal that is configured does not answer; what has none says why', async () => {
    const config = parse(await readFile(test.file, 'utf8')) as SiteInput;
    const away = path.join(folder, 'away.yaml');
    await writeFile(away, stringify({ ...config, temporal: { address: `127.0.0.1:${await freePort()}` } }));
    const asked = (...words: readonly string[]) => mosaicHere(['-c', away, 'runs', ...words]);
    // Beside each other: each waits some seconds for an answer.
    const [listed, shown, none] = await Promise.all([
      asked('list'),
      asked('show', `daily-${due}`),
      asked('show', 'daily-2020-01-01T00:00:00Z'),
    ]);
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, new RegExp(`daily-${due} `));
    assert.match(listed.stderr, /Temporal does not answer at .*: these are the recovery points of runs/);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /from its recovery point: no Temporal could be asked/);
    assert.equal(none.code, 8);
    assert.match(none.stderr, /Temporal does not answer/);
  });

  function data(source: string): string {
    return path.join(folder, 'data', source);
  }

  function mosaic(...words: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', test.file, ...words]);
  }

  async function run(...words: readonly string[]) {
    return report.parse(json(await mosaic('--json', 'run', 'daily', '--source', 'good', '--source', 'late', ...words)));
  }

  function of({ sources }: z.infer<typeof report>, name: string) {
    return sources.find(({ source }) => source === name);
  }

  function kinds({ sources }: z.infer<typeof report>): readonly string[] {
    return sources.map(({ source, captured }) => `${source} ${captured?.kind}`).toSorted();
  }

  async function made(): Promise<readonly string[]> {
    const found = await readdir(path.join(folder, 'repository/daily'), { recursive: true }).catch(() => []);
    return found.flatMap((name) => /^apps\/((?:good|late)\/\d+T\d+Z-\w+)$/.exec(name)?.[1] ?? []).toSorted();
  }

  function compact(time: string): string {
    return time.replaceAll(/[-:]/g, '');
  }
});
