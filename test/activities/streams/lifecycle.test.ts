import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runPipeline } from '../../../activities/streams/pipeline.ts';
import { startChild } from '../../support/children.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { processesNaming } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { testWork } from '../../support/work.ts';
import { assertGone, failure, ownChildren, shell, write } from './artifacts.ts';

const ENDLESS = { command: 'cat', args: ['/dev/urandom'] };

describe('the life of a stream', () => {
  const children = ownChildren();
  let folder = '';
  let file = '';
  let number = 0;
  before(async () => void (folder = await temporaryFolder()));
  beforeEach(() => void (file = path.join(folder, `${(number += 1)}.zst.age`)));
  after(cleanUp);

  it('reports progress in stored bytes, with activity, and what is expected', async () => {
    const work = testWork({ standstill: 2000 });
    const enough = `${file}.enough`;
    const script = 'head -c 100000 /dev/urandom; until test -e "$0"; do sleep 0.05; done';
    const producer = { command: 'sh', args: ['-c', script, enough] };
    const written = write(producer, file, { work, total: 5 });
    await until('three reports', () => work.reports.length >= 3);
    writeFileSync(enough, '');
    const { bytes } = await written;
    assert.deepEqual(work.reports.at(-1)?.bytes, bytes);
    assert.ok(work.reports.every(({ phase, total }) => phase === 'capturing' && total === 5));
    assert.ok((work.reports.at(-1)?.activity ?? 0) > 0);
  });

  it('is cancelled: no child, no file', async () => {
    const work = testWork();
    const cancelled = failure(write(ENDLESS, file, { work }), 'aborted');
    await children.find('cat');
    work.abort();
    await cancelled;
    assert.deepEqual(children.all(), []);
    assertGone(file);
    await failure(write(ENDLESS, file, { work }), 'aborted');
    assertGone(file);
  });

  it('kills what does not end when asked to, and what that has started', async () => {
    const work = testWork();
    const stubborn = shell(
      'trap "" TERM; sh -c "trap \\"\\" TERM; while :; do sleep 1; done" & while :; do sleep 1; done',
    );
    const options = { phase: '', total: null, bytes: () => 0, work, grace: 200 };
    const cancelled = failure(runPipeline({ programs: [stubborn], ...options }), 'aborted');
    await children.find('sleep');
    await sleep(100);
    work.abort();
    await cancelled;
  });

  it('ends at a standstill', async () => {
    const work = testWork({ standstill: 300 });
    const error = await failure(write(shell('echo begun; sleep 1000'), file, { work }), 'standstill');
    assert.equal(error.retryable, true);
    assertGone(file);
  });

  it('goes on while a silent program works', async () => {
    const work = testWork({ standstill: 300 });
    const busy = 'use Time::HiRes "time"; my $end = time + 1; 1 while time < $end; print "done"';
    const { plainBytes } = await write({ command: 'perl', args: ['-e', busy] }, file, { work });
    assert.equal(plainBytes, 4);
  });

  it('does not wait for what a finished program has left running', async () => {
    const { plainBytes } = await write(shell('sleep 1000 & echo done'), file);
    assert.equal(plainBytes, 5);
  });

  it('takes its children along when the worker is killed with SIGKILL', async () => {
    const worker = startChild(new URL('./stream-child.ts', import.meta.url), {
      file: path.join(folder, 'orphaned.zst.age'),
      // Silent, so that no broken pipe ends it.
      producer: { command: 'sleep', args: ['1000'] },
      user: { uid: 65_534, gid: 65_534 },
    });
    const mine = () => processesNaming('orphaned.zst.age').filter(({ pid }) => pid !== worker.pid);
    await until('all three programs run', () =>
      ['sleep', 'zstd', 'age'].every((name) => mine().some((found) => found.name === name)),
    );
    await worker.signal('SIGKILL');
    await until('all have died', () => mine().length === 0, 3_000);
  });

  it('keeps memory flat, however much flows', async () => {
    const worker = startChild(new URL('./stream-child.ts', import.meta.url), {
      file: path.join(folder, 'large.zst.age'),
      producer: { command: 'head', args: ['-c', '300000000', '/dev/urandom'] },
    });
    const grown = Number(await worker.line());
    assert.equal(await worker.ended, 0);
    assert.ok(grown < 40, `the worker grew by ${grown} MB over 300 MB`);
  });
});
