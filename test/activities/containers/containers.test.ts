/** Containers on a real Docker Engine: which one is meant, programs inside, and what is left of them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { findContainer, type Container } from '../../../activities/containers/container.ts';
import { inside } from '../../../activities/containers/inside.ts';
import { reap } from '../../../activities/containers/reap.ts';
import { relayTo } from '../../../activities/containers/relay.ts';
import { runProgram } from '../../../activities/streams/run.ts';
import { containerChoice, type ContainerConfig } from '../../../model/config/container.ts';
import { processesIn, SHELL, startDocker, type TestDocker } from '../../support/docker.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { until } from '../../support/until.ts';
import { testWork } from '../../support/work.ts';

const IMAGE = 'mosaic-test:1';
/** The first process of the container: it adopts orphans, and tells of each that ended by a signal. */
const FIRST = `
$SIG{CHLD} = sub { while ((my $pid = waitpid(-1, 1)) > 0) { print "an orphan ended by a signal\\n" if $? & 127 } };
$| = 1;
sleep 1 while 1;
`;

describe('containers', function () {
  this.timeout(120_000);

  let docker: TestDocker;
  let container: Container;

  before(async () => {
    docker = await startDocker();
    await docker.image(IMAGE, { programs: [...SHELL, '/usr/bin/perl'], settings: ['ENV PATH=/usr/bin:/bin'] });
    await run('one', ['perl', '-e', FIRST], '--label=only');
    await run('two', ['sleep', '1000'], '--label=twice');
    await run('three', ['sleep', '1000'], '--label=twice');
    await docker.docker('create', '--network=none', '--name=idle', '--label=idle', IMAGE, 'sleep', '1000');
    container = await find({ name: 'one' });
  });
  after(async () => {
    await docker?.stop();
    await cleanUp();
  });

  async function run(name: string, command: readonly string[], ...options: readonly string[]): Promise<void> {
    await docker.docker('run', '--detach', '--network=none', `--name=${name}`, ...options, IMAGE, ...command);
  }

  function find(
    by: { readonly name: string } | { readonly label: string },
    socket = docker.socket,
  ): Promise<Container> {
    const config: ContainerConfig = { ...by, socket };
    return findContainer(containerChoice(config));
  }

  it('are found by name or by a label that only one has', async () => {
    assert.equal((await find({ label: 'only' })).id, container.id);
    assert.equal(container.name, 'one');
    assert.equal(container.image.name, IMAGE);
    assert.match(container.image.digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(container.runsAs, 'root');
  });

  it('say what is wrong, and what to do', async () => {
    const wrong = [
      [{ name: 'nobody' }, 'not-found', /no container nobody/],
      [{ label: 'nobody' }, 'not-found', /No container has the label nobody/],
      [{ label: 'twice' }, 'ambiguous', /2 containers have the label twice: (two, three|three, two)/],
      [{ name: 'idle' }, 'unreachable', /idle does not run: it is created/],
      [{ label: 'idle' }, 'unreachable', /idle does not run/],
    ] as const;
    for (const [by, code, says] of wrong) {
      const error = await isBackupError(find(by), code);
      assert.match(error.message, says);
      assert.ok(error.remedy);
      assert.equal(error.retryable, code !== 'ambiguous');
    }
    await docker.docker('pause', 'two');
    const paused = await isBackupError(find({ name: 'two' }), 'unreachable');
    await docker.docker('unpause', 'two');
    assert.match(paused.remedy ?? '', /docker unpause two/);
  });

  it('say that Docker does not answer, or is not open to this user', async () => {
    const none = await isBackupError(find({ name: 'one' }, '/nowhere/docker.sock'), 'unreachable');
    assert.match(none.remedy ?? '', /systemctl start docker/);
    assert.equal(process.getuid?.(), 0, 'this test becomes another user for a moment, so it needs root');
    // By another path: a connection that is open already would be used again.
    const socket = path.join(await temporaryFolder(), 'again.sock');
    await symlink(docker.socket, socket);
    process.seteuid?.('nobody');
    try {
      const denied = await isBackupError(find({ name: 'one' }, socket), 'access-denied');
      assert.match(denied.remedy ?? '', /group docker/);
    } finally {
      process.seteuid?.(0);
    }
  });

  it('say which socket of the server is not there', async () => {
    const target = { kind: 'socket', path: '/run/postgresql/.s.PGSQL.5432' } as const;
    const error = await isBackupError(relayTo(container, target, testWork().signal), 'unreachable');
    assert.match(error.message, /no socket \/run\/postgresql\/\.s\.PGSQL\.5432 in container one/);
  });

  it('run a program inside, with its output, its exit status, and an environment of its own', async () => {
    const script = 'echo "$SAID, $PATH, ${GONE-taken out}"; exit 37';
    const program = { command: 'sh', args: ['-c', script], env: { SAID: 'a b', GONE: undefined }, accept: [37] };
    const { stdout, code } = await runProgram(inside(container, program));
    assert.equal(stdout, 'a b, /usr/bin:/bin, taken out');
    assert.equal(code, 37);
    const failed = await isBackupError(runProgram(inside(container, { ...program, accept: [] })), 'program-failed');
    assert.match(failed.message, /37/);
  });

  it('keep what was begun inside when its docker program is killed; its owner ends it, and nobody else', async () => {
    const client = begin('mine', ['sleep', '5000']);
    await until('it runs', () => runsInside('sleep 5000'));
    client.kill('SIGKILL');
    await once(client, 'exit');
    assert.equal(await reap(container, 'another'), 0);
    assert.equal(await runsInside('sleep 5000'), true);
    assert.equal(await reap(container, 'mine'), 1);
    assert.equal(await runsInside('sleep 5000'), false);
    assert.equal(await reap(container, 'mine'), 0);
  });

  it('insist where a program does not end when it is asked', async () => {
    const client = begin('deaf', ['perl', '-e', '$SIG{TERM} = "IGNORE"; sleep 1 while 1']);
    await until('it runs', () => runsInside('IGNORE'));
    await reap(container, 'deaf');
    assert.equal(await runsInside('IGNORE'), false);
    await exited(client);
  });

  it('never end what a program of ours has started apart from it: the server would adopt it, and take its end for a crash', async () => {
    // As pg_dump with several jobs: asked to end, it ends them first.
    const pair =
      'my $p = fork; exec "sleep", "6000" unless $p; $SIG{TERM} = sub { kill TERM => $p; waitpid $p, 0; exit 1 }; sleep 1 while 1';
    const client = begin('parent', ['perl', '-e', pair]);
    await until('both run', async () => (await runsInside('waitpid $p')) && (await runsInside('sleep 6000')));
    assert.equal(await reap(container, 'parent'), 1);
    assert.equal(await runsInside('sleep 6000'), false);
    await exited(client);
    assert.equal((await docker.logs('one')).trim(), '');
  });

  function begin(owner: string, [command = '', ...args]: readonly string[]): ChildProcess {
    const program = inside(container, { command, args }, { owner });
    return spawn(program.command, program.args, { stdio: 'ignore', env: { ...process.env, ...program.env } });
  }

  async function runsInside(text: string): Promise<boolean> {
    return (await processesIn(docker, 'one')).some((args) => args.includes(text));
  }
});

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
