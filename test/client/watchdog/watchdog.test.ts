import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { loadSite } from '../../../activities/config/load.ts';
import { watch } from '../../../client/watchdog/watch.ts';
import { testWork } from '../../support/work.ts';
import { z } from 'zod';
import type { SiteInput } from '../../../model/config/site.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { mosaic as mosaicAlone, mosaicHere } from '../../support/command-line.ts';
import { freePort } from '../../support/ports.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import { until } from '../../support/until.ts';
import { startWebhook, type Webhook } from '../../support/webhook.ts';
import { startCommand, type CommandProcess } from '../../support/worker-process.ts';

const CANARY = 'canary-of-a-ping';

const printed = z.object({
  ok: z.boolean(),
  findings: z.array(z.object({ code: z.string(), message: z.string(), remedy: z.string(), since: z.string() })),
  errors: z.array(z.object({ step: z.string(), message: z.string() })),
  ping: z.enum(['sent', 'none', 'withheld', 'failed']),
});

describe('the watchdog', function () {
  // Each test begins where the one before has left everything well.
  this.bail(true);
  this.timeout(120_000);
  let folder: string;
  let temporal: TemporalProcess;
  let hook: Webhook;
  let pings: { readonly server: Server; readonly seen: string[] };
  let test: TestSite;
  let worker: CommandProcess;

  before(async () => {
    folder = await temporaryFolder();
    const server = path.join(folder, 'temporal');
    const data = path.join(folder, 'data');
    await Promise.all([mkdir(server), mkdir(data)]);
    await writeFile(path.join(data, 'file'), 'hello');
    [temporal, hook, pings] = await Promise.all([startTemporal(server), startWebhook(), startPings()]);
    const at = pings.server.address();
    assert.ok(typeof at === 'object' && at !== null);
    const url = path.join(folder, 'ping');
    await writeFile(url, `http://127.0.0.1:${at.port}/${CANARY}\n`, { mode: 0o600 });
    test = await makeSite({
      folder,
      sources: { data: { type: 'files', paths: [data] } },
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
      watchdog: { ping: { file: url }, patience: '2s', unfinishedAfter: '1h' },
      // One schedule is enough: that of catch-up.
      plans: {
        daily: { enabled: false },
        weekly: { enabled: false },
        monthly: { enabled: false },
        restoreTest: { enabled: false },
        drill: { enabled: false },
      },
      temporal: { address: temporal.address },
    });
    worker = startCommand({ args: ['-c', test.file, 'worker'], owner: folder });
    await worker.printed('serves test');
  });

  after(async () => {
    await worker?.end();
    await Promise.all([temporal?.stop(), hook?.stop()]);
    pings?.server.close();
    await cleanUp();
  });

  it('tells of what is lacking once, says when it is over, and feeds the dead man only when all is well', async () => {
    const first = await watchdog();
    assert.equal(first.code, 10);
    assert.deepEqual(first.codes, ['backup-overdue', 'backup-overdue', 'schedule-missing']);
    assert.equal(first.said.ping, 'withheld');
    assert.deepEqual(told().toSorted(), ['backup-overdue raised', 'backup-overdue raised', 'schedule-missing raised']);
    assert.equal((await watchdog()).code, 10);
    assert.equal(hook.received.length, 3, 'nobody is told twice');

    assert.equal((await mosaic('schedules', 'apply')).code, 0);
    assert.equal((await mosaic('run', 'daily')).code, 0);
    const well = await watchdog();
    assert.deepEqual([well.code, well.codes, well.said.ok, well.said.ping], [0, [], true, 'sent']);
    assert.deepEqual(pings.seen, [`/${CANARY}`]);
    assert.equal(told().filter((one) => one.endsWith('resolved')).length, 3);
  });

  it('--dry-run tells nobody, and remembers nothing', async () => {
    const [before, fed] = [hook.received.length, pings.seen.length];
    await schedules().pause('new disks');
    const looked = await watchdog('--dry-run');
    assert.deepEqual([looked.code, looked.codes], [10, ['schedule-paused']]);
    assert.deepEqual([hook.received.length, pings.seen.length], [before, fed]);
    // Had it remembered, nobody would be told now.
    assert.deepEqual((await watchdog()).codes, ['schedule-paused']);
    assert.match(hook.received.at(-1)?.message ?? '', /paused.*new disks/);
    await schedules().unpause('done');
    assert.equal((await watchdog()).code, 0);
  });

  it('a start that was skipped, which no workflow hears of, is told from the counters', async () => {
    assert.equal((await watchdog()).code, 0);
    // A run that never ends, since nobody polls its queue. What is due meanwhile is skipped.
    await schedules().update((before) => ({
      ...before,
      spec: { intervals: [{ every: '1s' }] },
      action: { ...before.action, taskQueue: 'nobody', workflowId: 'stuck' },
    }));
    await until('a skipped time', async () => (await schedules().describe()).info.numActionsSkippedOverlap > 0);
    const looked = await watchdog();
    assert.deepEqual([looked.code, looked.codes], [10, ['schedule-skipping']]);
    // It lasts until a run is started that is in nobody's way.
    assert.equal((await mosaic('schedules', 'apply')).code, 0);
    assert.deepEqual((await watchdog()).codes, ['schedule-skipping']);
    await schedules().trigger('TERMINATE_OTHER');
    await until('a start', async () => (await watchdog()).code === 0);
  });

  it('a restore in place that nobody ended, and a damaged memory, do not pass unseen', async () => {
    const journal = path.join(folder, 'state', 'sources', 'data', 'in-place.json');
    await mkdir(path.dirname(journal), { recursive: true });
    await writeFile(journal, 'half a jour');
    await writeFile(path.join(folder, 'state', 'watchdog', 'counters.json'), '{ "schedules": ');
    await writeFile(path.join(folder, 'state', 'alerts', 'watchdog.json'), 'no JSON either');
    const looked = await watchdog();
    assert.deepEqual([looked.code, looked.codes], [10, ['work-unfinished']]);
    await rm(journal);
    assert.equal((await watchdog()).code, 0);
  });

  it('work whose process has died, and which nobody takes up, is told', async () => {
    const held = path.join(folder, 'state', 'leases', 'data');
    await mkdir(held, { recursive: true });
    const gone = { pid: 4_000_000, start: '1', boot: '00000000-0000-0000-0000-000000000000', namespace: '1' };
    const since = '2026-11-20T02:00:00Z';
    const file = path.join(held, '99.json');
    await writeFile(file, JSON.stringify({ ...gone, token: 't', step: 'daily-x/data', attempt: 1, since }));
    const later = Date.now() + 2 * 3_600_000;
    assert.equal((await watchdog()).code, 0, 'a worker that was just killed is started again by itself');
    const site = await loadSite({ file: test.file });
    const seen = await watch({ site, env: {}, broken: null, dryRun: true, now: later, work: testWork() });
    // It is later by the watchdog's clock alone: of some schedule nothing has come either by then.
    assert.deepEqual([...new Set(seen.found.map(({ alert }) => alert))].toSorted(), [
      'schedule-skipping',
      'work-unfinished',
    ]);
    await rm(file);
  });

  it('a notifier that fails is another exit status: whoever watches the watchdog learns of it', async () => {
    hook.answer(500);
    await schedules().pause('again');
    const looked = await watchdog();
    assert.deepEqual([looked.code, looked.said.errors.map(({ step }) => step)], [1, ['notify[0]']]);
    assert.deepEqual(looked.codes, ['schedule-paused'], 'and what is wrong is printed all the same');
    hook.answer(204);
    await schedules().unpause('done');
    assert.equal((await watchdog()).code, 0);
  });

  it('a config that somebody has broken is told to whom the last good one names; without that it says so', async () => {
    const text = await readFile(test.file, 'utf8');
    await writeFile(test.file, `${text}\n  nonsense: [\n`);
    const looked = await watchdog();
    assert.deepEqual([looked.code, looked.codes], [2, ['config-unreadable']]);
    assert.deepEqual(told().slice(-1), ['config-unreadable raised']);
    await rm(path.join(folder, 'state', 'watchdog', 'config.yaml'));
    const blind = await mosaic('watchdog', '--json');
    assert.equal(blind.code, 2);
    assert.match(blind.stdout, /"code": "config"/);
    await writeFile(test.file, text);
    assert.equal((await watchdog()).code, 0);
    assert.deepEqual(told().slice(-1), ['config-unreadable resolved']);
  });

  it('a repository that is gone blinds one look, and no other', async () => {
    const repository = path.join(folder, 'repository');
    await rename(repository, `${repository}-elsewhere`);
    const looked = await watchdog();
    assert.deepEqual([looked.code, looked.codes], [10, ['watchdog-blind']]);
    await rename(`${repository}-elsewhere`, repository);
    assert.equal((await watchdog()).code, 0);
  });

  it('neither does one whose marker is gone, though drills and proofs are looked for there as well', async () => {
    const config = parse(await readFile(test.file, 'utf8')) as SiteInput;
    const looking = path.join(folder, 'looking.yaml');
    const { drill: _, restoreTest: __, ...plans } = config.plans ?? {};
    await writeFile(looking, stringify({ ...config, plans }));
    const repository = path.join(folder, 'repository');
    const blind = [`the repository`, 'proofs', 'drills'].map((what) => `The watchdog could not look at ${what}: `);
    for (const file of [repository, path.join(repository, '.mosaic-backup.json')]) {
      await rename(file, `${file}-elsewhere`);
      // In a process of its own: a failure that nobody waits for ends it.
      const { code, stdout, stderr } = await mosaicAlone(['-c', looking, '--json', 'watchdog', '--dry-run']);
      await rename(`${file}-elsewhere`, file);
      assert.equal(code, 10, stderr);
      const { findings } = printed.parse(JSON.parse(stdout));
      const said = findings.filter((one) => one.code === 'watchdog-blind').map(({ message }) => message);
      assert.deepEqual(
        blind.filter((start) => !said.some((message) => message.startsWith(start))),
        [],
        `${file}: ${stdout}`,
      );
      assert.ok(
        findings.some((one) => one.code === 'schedule-missing'),
        'and Temporal is looked at all the same',
      );
    }
    assert.equal((await watchdog()).code, 0);
  });

  it('a worker that is gone, then Temporal: each is told, and neither ends what nobody can see', async () => {
    worker.kill('SIGKILL');
    await worker.ended;
    // A poller is believed for a minute and a half: as if that were over, its server is restarted without it.
    await temporal.kill();
    const down = await watchdog();
    assert.deepEqual([down.code, down.codes], [10, ['temporal-unreachable']]);
    await temporal.start();
    const up = await watchdog();
    assert.deepEqual([up.code, up.codes], [10, ['worker-missing']]);
    assert.match(up.said.findings[0]?.message ?? '', /test, test\.local, test\.local\.copies, test\.local\.short/);
    assert.deepEqual(told().slice(-3), [
      'temporal-unreachable raised',
      'worker-missing raised',
      'temporal-unreachable resolved',
    ]);
    await temporal.kill();
    const again = await watchdog();
    assert.deepEqual(again.codes, ['temporal-unreachable']);
    assert.equal(told().filter((one) => one === 'worker-missing resolved').length, 0, 'nobody can say that it is back');
    assert.ok(!JSON.stringify([down, up, again, hook.received]).includes(CANARY));
  });

  it('an embedded Temporal that does not run is told as well', async () => {
    const config = parse(await readFile(test.file, 'utf8')) as SiteInput;
    const other = path.join(folder, 'embedded.yaml');
    await writeFile(other, stringify({ ...config, temporal: { embedded: { port: await freePort() } } }));
    const looked = await mosaicHere(['-c', other, '--json', 'watchdog', '--dry-run']);
    assert.match(looked.stdout, /temporal-unreachable[^]*none runs here/);
  });

  async function watchdog(...args: readonly string[]) {
    const { code, stdout, stderr } = await mosaic('--json', 'watchdog', ...args);
    const parsed = printed.safeParse(JSON.parse(stdout));
    assert.ok(parsed.success, stdout + stderr);
    const said = parsed.data;
    return { code, said, codes: said.findings.map((one) => one.code).toSorted() };
  }

  function mosaic(...args: readonly string[]) {
    return mosaicHere(['-c', test.file, ...args]);
  }

  function schedules() {
    return temporal.client().schedule.getHandle('mosaic-backup/test/catch-up');
  }

  function told(): readonly string[] {
    return hook.received.map(({ alert, state }) => `${alert} ${state}`);
  }
});

/** What a service such as healthchecks sees. */
async function startPings(): Promise<{ readonly server: Server; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? '');
    response.end('OK');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, seen };
}
