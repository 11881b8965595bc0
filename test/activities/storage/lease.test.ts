import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { holderOfName, holderTag, isAlive, thisHolder } from '../../../activities/storage/holder.ts';
import type { Holder } from '../../../activities/storage/holder.ts';
import { acquireLease } from '../../../activities/storage/lease.ts';
import type { Lease, LeaseRequest } from '../../../activities/storage/lease.ts';
import type { BackupError } from '../../../model/errors.ts';
import { endChildren, startChild } from '../../support/children.ts';
import type { Child } from '../../support/children.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const LEASE_CHILD = new URL('./lease-child.ts', import.meta.url);

describe('lease of a source', () => {
  let state: string;
  let folder: string;

  beforeEach(async () => {
    state = await temporaryFolder();
    folder = path.join(state, 'leases', 'postgres');
  });
  afterEach(endChildren);
  after(cleanUp);

  function acquire(request: Partial<LeaseRequest> = {}): Promise<Lease> {
    const { signal } = new AbortController();
    return acquireLease({ state, name: 'postgres', step: 'daily/postgres', attempt: 1, wait: 0, signal, ...request });
  }

  function child(request: object = {}): Child {
    return startChild(LEASE_CHILD, {
      state,
      name: 'postgres',
      step: 'daily/postgres',
      attempt: 1,
      wait: 0,
      ...request,
    });
  }

  /** A lease as another process would have left it. */
  async function leftBy(holder: Partial<Holder>, number = 1): Promise<string> {
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, `${number}.json`);
    const record = {
      token: 'other',
      step: 'weekly/postgres',
      attempt: 1,
      since: '2026-11-23T02:00:00Z',
      ...thisHolder(),
      ...holder,
    };
    await writeFile(file, JSON.stringify(record));
    return file;
  }

  it('is one holder’s at a time, and its number grows', async () => {
    const first = await acquire();
    await first.check();
    await assert.rejects(acquire({ step: 'weekly/postgres' }), busy);
    await first.release();
    const second = await acquire({ step: 'weekly/postgres' });
    assert.equal(second.number, first.number + 1);
    await assert.rejects(first.check(), lost);
  });

  it('says who holds it, and for how long it waited', async () => {
    const held = child();
    assert.equal(await held.line(), '1');
    await assert.rejects(acquire({ step: 'weekly/postgres', wait: 50 }), (error: BackupError) => {
      assert.equal(error.facts['pid'], held.pid);
      assert.equal(error.facts['step'], 'daily/postgres');
      assert.match(error.message, /waited 0\.1s/);
      return busy(error);
    });
  });

  it('is had by who waits long enough', async () => {
    const held = child();
    await held.line();
    const waiting = acquire({ step: 'weekly/postgres', wait: 10_000 });
    held.send('release');
    assert.equal(await held.line(), 'done');
    assert.equal((await waiting).number, 2);
  });

  it('is not waited for once cancelled', async () => {
    await acquire();
    const controller = new AbortController();
    const waiting = acquire({ step: 'weekly/postgres', wait: 60_000, signal: controller.signal });
    controller.abort();
    await assert.rejects(waiting, { code: 'aborted' });
  });

  it('keeps sources apart', async () => {
    await acquire();
    await acquire({ name: 'mariadb' });
    await acquire({ name: 'postgres.logs' });
  });

  it('is taken over at once from a holder that was killed', async () => {
    const held = child();
    await held.line();
    await held.signal('SIGKILL');
    const lease = await acquire({ step: 'weekly/postgres' });
    assert.equal(lease.number, 2);
    await lease.check();
  });

  it('is taken over by a later attempt of its step, and by that alone', async () => {
    const held = child({ attempt: 3 });
    await held.line();
    await assert.rejects(acquire({ attempt: 2 }), busy);
    await assert.rejects(acquire({ attempt: 3 }), busy);
    await assert.rejects(acquire({ attempt: 4, step: 'weekly/postgres' }), busy);
    assert.equal((await acquire({ attempt: 4 })).number, 2);
    held.send('check');
    assert.equal(await held.line(), 'lease-lost');
  });

  it('is lost to a zombie, which frees nothing when it wakes', async () => {
    const zombie = child();
    await zombie.line();
    await zombie.signal('SIGSTOP');
    await assert.rejects(acquire({ step: 'weekly/postgres' }), busy, 'who sleeps is alive');
    const lease = await acquire({ attempt: 2 });
    await zombie.signal('SIGCONT');
    zombie.send('check');
    assert.equal(await zombie.line(), 'lease-lost');
    zombie.send('release');
    assert.equal(await zombie.line(), 'done');
    await lease.check();
    await assert.rejects(acquire({ step: 'weekly/postgres' }), busy);
  });

  it('is not freed by a zombie after its next holder has freed it too', async () => {
    const zombie = await acquire();
    const next = await acquire({ attempt: 2 });
    await next.release();
    const third = await acquire({ attempt: 3 });
    await zombie.release();
    await next.release();
    await third.check();
    await assert.rejects(acquire({ step: 'weekly/postgres' }), busy);
    assert.deepEqual(await readdir(folder), ['3.json'], 'nothing of the earlier ones is left');
  });

  it('goes to one of many that want a dead holder’s, and never to two at once', async () => {
    const dead = child();
    await dead.line();
    await dead.signal('SIGKILL');
    const rounds = 8;
    const critical = path.join(state, 'critical');
    const racers = Array.from({ length: 4 }, (_, index) =>
      child({ step: `racer-${index}`, wait: 30_000, critical, rounds }),
    );
    const numbers: number[] = [];
    for (const racer of racers) {
      const said = await racer.line();
      assert.match(said, /^\[/, said);
      numbers.push(...(JSON.parse(said) as number[])); // its answer in a race
    }
    const expected = Array.from({ length: 4 * rounds }, (_, index) => index + 2);
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      expected,
    );
  });

  it('goes to exactly one of those that want it in the same instant', async () => {
    const rounds = 40;
    const racers = Array.from({ length: 3 }, (_, index) => child({ step: `racer-${index}`, sprint: true, rounds }));
    for (const racer of racers) assert.equal(await racer.line(), 'ready');
    const start = String(Date.now() + 50);
    for (const racer of racers) racer.send(start);
    const won: number[] = [];
    for (const racer of racers) won.push(...(JSON.parse(await racer.line()) as number[])); // its answer in a sprint
    assert.deepEqual(
      won.toSorted((a, b) => a - b),
      Array.from({ length: rounds }, (_, round) => round),
    );
  });

  it('is not a later process’s that got the same pid', async () => {
    await leftBy({ start: '1' });
    assert.equal((await acquire()).number, 2);
  });

  it('does not outlive a reboot', async () => {
    await leftBy({ boot: '00000000-0000-0000-0000-000000000000' }, 7);
    assert.equal((await acquire()).number, 8);
  });

  it('is another container’s as long as that shows life', async () => {
    const file = await leftBy({ namespace: '1', pid: 1 });
    await assert.rejects(acquire(), busy);
    const past = new Date(Date.now() - 10 * 60_000);
    await utimes(file, past, past);
    assert.equal((await acquire()).number, 2);
  });

  it('survives a crash of the machine in the middle of its making', async () => {
    await leftBy({});
    await writeFile(path.join(folder, '2.json'), '');
    await writeFile(path.join(folder, 'x.tmp'), '{"tok');
    const past = new Date(Date.now() - 2 * 3_600_000);
    await utimes(path.join(folder, 'x.tmp'), past, past);
    await writeFile(path.join(folder, 'y.tmp'), '{"tok');
    const lease = await acquire();
    assert.equal(lease.number, 3);
    assert.deepEqual((await readdir(folder)).toSorted(), ['3.json', 'y.tmp'], 'what may be somebody’s is left');
  });

  it('is lost when state is lost, and the step may be tried again', async () => {
    const lease = await acquire();
    await rm(state, { recursive: true });
    await assert.rejects(lease.check(), (error: BackupError) => lost(error) && error.retryable);
    await acquire();
    await assert.rejects(lease.check(), lost, 'the same number, but another’s');
    await lease.release();
    await assert.rejects(acquire({ step: 'weekly/postgres' }), busy);
  });
});

describe('holder', () => {
  it('is alive, dead, or unknown', async () => {
    const here = thisHolder();
    assert.equal(await isAlive(here), true);
    assert.equal(await isAlive({ ...here, start: '0' }), false);
    assert.equal(await isAlive({ ...here, boot: 'another' }), false);
    assert.equal(await isAlive({ ...here, namespace: '0' }), undefined);
  });

  it('is dead when nobody has reaped it yet', async () => {
    // sleep(1) never waits for the child that it got from the shell before it took its place.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]; // a chunk of bytes
    const pid = Number(line.toString());
    // Until it has taken its place, the shell would reap it.
    while ((await readFile(`/proc/${parent.pid}/comm`, 'latin1')) !== 'sleep\n') await new Promise(setImmediate);
    const fields = (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]?.split(' ') ?? [];
    const holder = { ...thisHolder(), pid, start: fields[19] ?? '' };
    assert.equal(await isAlive(holder), true);
    process.kill(pid, 'SIGKILL');
    while (!(await readFile(`/proc/${pid}/stat`, 'latin1')).includes(') Z ')) await new Promise(setImmediate);
    assert.equal(await isAlive(holder), false);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  it('is read back from a file name', () => {
    const here = thisHolder();
    assert.deepEqual(holderOfName(`postgres-1${holderTag(here)}`), here);
    assert.equal(holderOfName('postgres-1'), undefined);
    assert.equal(holderOfName('latest'), undefined);
  });
});

function busy(error: BackupError): boolean {
  return error.code === 'busy' && error.retryable && (error.remedy ?? '') !== '';
}

function lost(error: BackupError): boolean {
  return error.code === 'lease-lost';
}
