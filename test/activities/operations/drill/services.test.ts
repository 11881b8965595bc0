import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { sandboxOf } from '../../../../activities/operations/drill/sandbox.ts';
import { startDrilled, stopDrilled, type ServiceRequest } from '../../../../activities/operations/drill/services.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { ifThere } from '../../../../activities/storage/fs-errors.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { processesNaming } from '../../../support/processes.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { recovered } from './recovered.ts';

const SOURCE = 'db';
const CHILD = fileURLToPath(new URL('start-in-child.ts', import.meta.url));

/** May make no namespaces of its own, as in a container, or under a unit of systemd that denies them. */
const BOUND: readonly [string, ...string[]] =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin']
    : [
        ...(['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c'] as const),
        'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --ambient-caps=-all --inh-caps=-all "$0" "$@"',
      ];

const started = z.object({ isolation: z.string() });

describe('the server of a drill', function () {
  this.timeout(60_000);
  let db: TestPostgres;
  let drill: ServiceRequest;
  let data: string;
  /** With it a server recovers for ever, as one whose recovery takes hours. */
  let standby: string;

  before(async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'pg'));
    db = await startPostgres({ folder: path.join(folder, 'pg') });
    const { site } = await makeSite({ folder, sources: { [SOURCE]: db.config() } });
    drill = await recovered(site, SOURCE);
    data = sandboxOf(site, drill.input).restored(SOURCE);
    standby = path.join(data, 'standby.signal');
  });
  afterEach(() => stopDrilled(drill.site, drill.input));
  after(async () => {
    await db?.stop('immediate');
    await cleanUp();
  });

  it('that is just starting ends when its step is cancelled; one that is up outlives its step', async () => {
    await writeFile(standby, '');
    const work = testWork();
    const failed = isBackupError(startDrilled({ ...drill, work }), 'aborted');
    await until('it recovers', isRecovering);
    work.abort();
    await failed;
    assert.deepEqual(servers(), []);
    await isBackupError(startDrilled({ ...drill, work }), 'aborted');
    await rm(standby);
    const step = testWork();
    await startDrilled({ ...drill, work: step });
    step.abort();
    assert.equal((await startDrilled(drill)).command?.includes(data), true);
    assert.equal(postmasters(), 1);
  });

  it('that is just starting ends with the drill', async () => {
    await writeFile(standby, '');
    const failed = isBackupError(startDrilled(drill), 'aborted');
    await until('it recovers', isRecovering);
    await stopDrilled(drill.site, drill.input);
    await failed;
    assert.deepEqual(servers(), []);
    await rm(standby);
  });

  it('is started once, where another attempt comes while one is at it still', async () => {
    const all = await Promise.all([1, 2, 3].map(() => startDrilled({ ...drill, work: testWork() })));
    assert.equal(postmasters(), 1);
    for (const { command } of all) assert.deepEqual(command, all[0]?.command);
    await stopDrilled(drill.site, drill.input);
    assert.deepEqual(servers(), []);
  });

  it('is said not to be cut off where this machine allows no namespaces, and nothing is said where it is', async () => {
    assert.equal((await startDrilled(drill)).isolation, undefined);
    await stopDrilled(drill.site, drill.input);
    const child = [process.execPath, CHILD, drill.site.file, JSON.stringify(drill.input), JSON.stringify(drill.chosen)];
    const [command, ...args] = [...BOUND, ...child];
    const { isolation } = started.parse(JSON.parse((await runProgram({ command, args })).stdout));
    assert.match(isolation, /^what ran on the restored data .*: this machine allows no namespace for it/);
  });

  function servers() {
    return processesNaming(data);
  }

  /** Servers, without the processes that each has. */
  function postmasters(): number {
    return servers().filter(({ args }) => args.includes('-D') && args[0]?.endsWith('/postgres')).length;
  }

  /** By its own messages. */
  async function isRecovering(): Promise<boolean> {
    const log = path.join(sandboxOf(drill.site, drill.input).service(SOURCE), 'server.log');
    return /entering standby mode/.test((await ifThere(readFile(log, 'utf8'))) ?? '');
  }
});
