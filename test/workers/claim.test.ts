import assert from 'node:assert/strict';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { loadSite } from '../../activities/config/load.ts';
import { heldLease } from '../../activities/storage/lease.ts';
import { prepareRepository } from '../../activities/storage/repository.ts';
import type { SiteInput } from '../../model/config/site.ts';
import { claimHost } from '../../workers/claim.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { mosaicHere } from '../support/command-line.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';
import { startCommand, type CommandProcess } from '../support/worker-process.ts';

describe('a worker that does not fit its machine', () => {
  let folder: string;
  let test: TestSite;
  let temporal: TemporalProcess;
  const workers: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(await temporaryFolder());
    test = await makeSite({
      folder,
      sources: { data: { type: 'files', paths: ['/etc/hostname'] } },
      temporal: { address: temporal.address },
    });
    const config = parse(await readFile(test.file, 'utf8')) as SiteInput;
    const two = { state: path.join(folder, 'state-two'), repository: path.join(folder, 'repository-two') };
    const sources = { data: { type: 'files', paths: ['/etc/hostname'], host: 'one' } };
    await writeFile(test.file, stringify({ ...config, hosts: { one: {}, two }, coordinator: 'one', sources }));
  });

  after(async () => {
    await Promise.all(workers.map((worker) => worker.end()));
    await temporal?.stop();
    await cleanUp();
  });

  it('refuses a host that the config does not name, with those that there are', async () => {
    const { code, stderr } = await mosaicHere(['-c', test.file, '--host', 'tow', 'worker']);
    assert.equal(code, 2);
    assert.match(stderr, /no host "tow"[^]*Did you mean "two"\?/);
  });

  it('refuses a state folder of another host or site, and a repository of another host or site', async () => {
    const one = await loadSite({ file: test.file, host: 'one' });
    await (await claimHost(one)).release();
    await prepareRepository(one);
    await refused({}, 'two', { state: one.state }, /state folder .* is of the host "one", not of "two"/);
    await refused({ site: 'other' }, 'one', {}, /state folder .* is of the site "test", and .* is of "other"/);
    await refused(
      {},
      'two',
      { repository: one.repository },
      /repository at .* is that of the host "one", not of "two"/,
    );
    const elsewhere = { state: path.join(folder, 'state-of-other') };
    await refused({ site: 'other' }, 'one', elsewhere, /repository at .* belongs to the site "test"/);
    // What is refused changes nothing: the host itself goes on as before.
    await (await claimHost(one)).release();
  });

  it('a repository that was marked before hosts were, is taken for its own', async () => {
    const one = await loadSite({ file: test.file, host: 'one' });
    const marker = path.join(one.repository, '.mosaic-backup.json');
    const { host, ...old } = JSON.parse(await readFile(marker, 'utf8'));
    assert.equal(host, 'one');
    await writeFile(marker, JSON.stringify(old));
    await (await claimHost(one)).release();
  });

  it('refuses to be the second of one host, and says who is the first; one that was killed holds nobody up', async () => {
    const first = await started();
    const second = await mosaicHere(['-c', test.file, '--host', 'one', 'worker']);
    assert.equal(second.code, 7);
    assert.match(second.stderr, new RegExp(`runs here already \\(process ${first.pid}, since 20`));
    const other = await started('two');
    await other.end();
    first.kill('SIGKILL');
    await first.ended;
    await (await started()).end();
  });

  it('one that was frozen is taken over, and ends when it wakes', async () => {
    const frozen = await started();
    frozen.kill('SIGSTOP');
    const next = await started();
    frozen.kill('SIGCONT');
    const { code } = await frozen.ended;
    assert.equal(code, 7);
    assert.match(frozen.output(), /another worker of the host "one" took over/);
    assert.ok(next.running());
    await next.end();
  }).timeout(90_000);

  it('one whose state folder is removed goes on, and holds its host again', async () => {
    const worker = await started();
    const { state } = await loadSite({ file: test.file, host: 'one' });
    await rm(state, { recursive: true });
    await until('a new claim', async () => (await heldLease(state, '.worker').catch(() => undefined)) !== undefined);
    const second = await mosaicHere(['-c', test.file, '--host', 'one', 'worker']);
    assert.equal(second.code, 7);
    assert.ok(worker.running());
    await worker.end();
  });

  it('one whose scratch folders cannot be read, as of a mount that has gone stale, serves all the same, and says so', async () => {
    const stale = path.join(folder, 'stale');
    await symlink(stale, stale);
    const text = await readFile(test.file, 'utf8');
    const config = parse(text) as SiteInput;
    await writeFile(
      test.file,
      stringify({ ...config, plans: { restoreTest: { scratch: stale }, drill: { scratch: stale } } }),
    );
    try {
      const worker = await started();
      assert.equal(worker.output().match(/what restore tests or drills have left could not be removed/g)?.length, 2);
      await worker.end();
    } finally {
      await writeFile(test.file, text);
    }
  });

  async function refused(
    changed: Partial<SiteInput>,
    host: 'one' | 'two',
    folders: { readonly state?: string; readonly repository?: string },
    message: RegExp,
  ): Promise<void> {
    const config = parse(await readFile(test.file, 'utf8')) as SiteInput;
    const file = path.join(folder, 'other.yaml');
    const hosts = { ...config.hosts, [host]: { ...config.hosts?.[host], ...folders } };
    await writeFile(file, stringify({ ...config, ...changed, hosts }));
    const { code, stderr } = await mosaicHere(['-c', file, '--host', host, 'worker']);
    assert.equal(code, 4, stderr);
    assert.match(stderr, message);
    assert.match(stderr, /→ /, 'with its remedy');
    await rm(file);
  }

  async function started(host = 'one'): Promise<CommandProcess> {
    const worker = startCommand({ args: ['-c', test.file, '--host', host, 'worker'], owner: folder });
    workers.push(worker);
    await worker.printed('serves test');
    return worker;
  }
});
