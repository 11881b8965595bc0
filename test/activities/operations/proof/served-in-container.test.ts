/** What asks a database that runs in a container: probes of restore tests, and drills, with this machine's own programs hidden. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { loadSite } from '../../../../activities/config/load.ts';
import { makeSandbox, openLeft, removeSandbox } from '../../../../activities/operations/drill/sandbox.ts';
import { probeDrilled, startDrilled, stopDrilled } from '../../../../activities/operations/drill/services.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import type { Site } from '../../../../activities/site.ts';
import { pinned } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { BackupError } from '../../../../model/errors.ts';
import { startDocker, type TestDocker } from '../../../support/docker.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgresContainer, type PostgresContainer } from '../../../support/postgres-container.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, SOURCE } from '../../sources/postgres/backups.ts';
import { findings, prove } from './proving.ts';

const CHILD = path.join(import.meta.dirname, '../probe/prove-in-child.ts');

const proven = z.object({ compared: z.array(z.string()), notCompared: z.array(z.string()) });
const written = z.looseObject({
  sources: z.record(z.string(), z.looseObject({})),
  plans: z.looseObject({ restoreTest: z.looseObject({}) }),
});

describe('a database in a container', function () {
  this.timeout(300_000);
  let folder: string;
  let within: string;
  let docker: TestDocker;
  let server: PostgresContainer;
  let site: Site;
  let file: string;
  /** A config by which no container is used. */
  let processes: string;
  const { PATH: own, TMPDIR: temporary } = process.env;
  /** With the programs of that version. */
  let complete: string | undefined;

  before(async () => {
    folder = await temporaryFolder({ onDisk: true });
    within = path.join(folder, 'proof');
    docker = await startDocker();
    // Programs of the image lie where they lie here, and a sandbox has a /tmp of its own.
    process.env['TMPDIR'] = '/var/tmp';
    server = await startPostgresContainer({ docker, major: 18 });
    const restoreTest = { sandboxSocket: docker.socket, sandboxMemory: '300MiB' };
    const made = await makeSite({ folder, sources: { [SOURCE]: server.config() }, plans: { restoreTest } });
    await server.sql('CREATE TABLE t AS SELECT generate_series(1, 7) AS id');
    await capture(made.site, scheduledTimes()());
    const probes = [
      { name: 'rows', query: 'SELECT count(*) FROM t', expect: '7' },
      { name: 'psql', command: ['sh', '-c', 'test "$(psql -tAc "SELECT count(*) FROM t")" = 7'] },
    ];
    [file, processes] = [path.join(folder, 'asking.yaml'), path.join(folder, 'processes.yaml')];
    await rewrite(made.file, file, { probes });
    await rewrite(made.file, processes, { probes, restoreTest: { sandbox: 'process' } });
    site = await loadSite({ file, env: process.env });
    // From here on this machine has no programs of that version.
    complete = process.env['PATH'];
    process.env['PATH'] = own;
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
  });
  after(async () => {
    process.env['PATH'] = own;
    await docker?.stop();
    await cleanUp();
  });
  afterEach('nothing is left', async () => assert.deepEqual(await sandboxes(), []));

  it("answers the user's own questions by its socket, and what is wrong fails the test", async () => {
    const { compared, notCompared } = await prove({ site, source: SOURCE, within });
    assert.ok(
      ['start', 'probe: rows', 'probe: psql'].every((name) => compared.includes(name)),
      notCompared.join(),
    );
    await wrongIn('SELECT count(*) FROM t', /probe: rows: 7, not 8/);
  });

  it('is cut off by its container: where this machine allows no namespaces, that is said of a process alone', async () => {
    const [inContainer, asProcess] = [await provenWithout(file), await provenWithout(processes, complete)];
    for (const { compared, notCompared } of [inContainer, asProcess]) {
      assert.ok(
        ['start', 'probe: rows'].every((name) => compared.includes(name)),
        notCompared.join(),
      );
      assert.match(notCompared.join('\n'), /^probe: psql: what is run could reach production/m);
    }
    assert.doesNotMatch(inContainer.notCompared.join('\n'), /^isolation/m);
    assert.match(
      asProcess.notCompared.join('\n'),
      /^isolation: what ran on the restored data (had no network, but saw|was not cut off)/m,
    );
  });

  it('that a drill recovered runs until the end of the drill; where its container did not last, another one is opened', async () => {
    const { host } = site;
    const waits = site.config.plans.drill;
    const declared = '2026-11-27T08:00:00Z';
    const input = {
      runId: 'drill',
      scenario: 'operator-error',
      host,
      steps: [],
      waits,
      declared,
      at: null,
    } as const;
    const [backup, ...more] = await listed(site);
    assert.ok(backup && more.length === 0);
    const taken = backup.manifest.scheduled;
    const from = { place: null, others: [], stale: false, at: null, taken, bytes: 0, expected: null };
    const request = {
      site,
      input,
      chosen: { source: SOURCE, backup: pinned(backup.manifest), ...from },
      work: testWork(),
    };
    const to = (await makeSandbox(site, input)).restored(SOURCE);
    process.env['PATH'] = complete;
    const left = await openLeft(site, input);
    const store = repositoryStore(left.repository);
    await restoreBackup({ site: left, store, chain: [backup], to, paths: [], work: testWork() });
    process.env['PATH'] = own;

    const { command } = await startDrilled(request);
    assert.ok(command?.join(' ').includes(to));
    assert.deepEqual(await colours(request), ['answers: true', 'rows: true', 'psql: true']);
    const [first = '', ...others] = await sandboxes();
    assert.deepEqual(others, []);
    await docker.docker('kill', first);
    assert.deepEqual(await colours(request), ['answers: true', 'rows: true', 'psql: true']);
    assert.ok(!(await sandboxes()).includes(first));
    await stopDrilled(site, input);
    assert.deepEqual(await sandboxes(), []);
    await removeSandbox(site, input);
    assert.deepEqual(await readdir(path.join(`${site.state}-scratch`, 'drills')), []);
  });

  /** By a process that may make no namespaces, as in a container, or under a unit of systemd that denies them. */
  async function provenWithout(config: string, PATH = own) {
    const bounds = ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin'];
    const args = [...bounds, process.execPath, CHILD, config, SOURCE, within];
    const { stdout } = await runProgram({ command: 'setpriv', args, env: { PATH } });
    return proven.parse(JSON.parse(stdout));
  }

  /** As the workflow does it: what failed with its container is tried again. */
  async function colours(request: Parameters<typeof probeDrilled>[0]): Promise<readonly string[]> {
    for (;;) {
      try {
        return (await probeDrilled(request)).map(({ name, ok }) => `${name}: ${ok}`);
      } catch (error) {
        if (!(error instanceof BackupError) || error.code !== 'unreachable') throw error;
      }
    }
  }

  async function wrongIn(query: string, finding: RegExp): Promise<void> {
    const change = { probes: [{ name: 'rows', query, expect: '8', timeout: 30_000 }] };
    assert.match(await findings({ site, source: SOURCE, within }, { change }), finding);
  }

  /** Ids. */
  async function sandboxes(): Promise<readonly string[]> {
    const ids = await docker.docker('ps', '--all', '--quiet', '--no-trunc', '--filter=label=mosaic-backup.sandbox');
    return ids.split('\n').filter((id) => id !== '');
  }
});

interface Rewriting {
  readonly probes: readonly object[];
  readonly restoreTest?: Readonly<Record<string, unknown>>;
}

/** The same config, with probes of the source. */
async function rewrite(from: string, to: string, { probes, restoreTest }: Rewriting): Promise<void> {
  const { sources, plans, ...rest } = written.parse(parse(await readFile(from, 'utf8')));
  const asking = { ...sources, [SOURCE]: { ...sources[SOURCE], probes } };
  const tests = { ...plans.restoreTest, ...restoreTest };
  await writeFile(to, stringify({ ...rest, sources: asking, plans: { ...plans, restoreTest: tests } }));
}
