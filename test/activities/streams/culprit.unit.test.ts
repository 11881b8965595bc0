import assert from 'node:assert/strict';
import { findCulprit, type Outcome, programFailure } from '../../../activities/streams/culprit.ts';
import type { Ended } from '../../../activities/streams/types.ts';

function outcome(command: string, ended: Partial<Ended> = {}, more: Partial<Outcome> = {}): Outcome {
  const whole = { command, code: ended.signal ? null : 0, signal: null, stderr: '', ...ended };
  return { program: { command, args: [] }, ended: whole, stopped: false, ...more };
}

function blamed(...outcomes: readonly Outcome[]): string | undefined {
  const culprit = findCulprit(outcomes);
  return culprit && programFailure(culprit).message;
}

const BROKEN = { signal: 'SIGPIPE' } as const;

describe('who is to blame for a failed pipeline', () => {
  it('nobody, when all went well', () => {
    assert.equal(blamed(outcome('tar'), outcome('zstd'), outcome('age')), undefined);
  });

  it('the program in the middle that takes along those before it', () => {
    assert.equal(
      blamed(outcome('tar', BROKEN), outcome('zstd', { signal: 'SIGKILL' }), outcome('age')),
      'zstd was ended by SIGKILL.',
    );
    const caught = {
      code: 2,
      stderr: 'tar: -: Cannot write: Broken pipe\ntar: Error is not recoverable: exiting now\n',
    };
    assert.equal(
      blamed(outcome('tar', caught), outcome('zstd', { code: 1, stderr: 'zstd: no memory' }), outcome('age')),
      'zstd failed with exit code 1: zstd: no memory',
    );
  });

  it('the program at the start, not those that got half an input', () => {
    const age = { code: 1, stderr: 'age: error: bad chunk\nage: report unexpected or unhelpful errors at …\n' };
    assert.equal(
      blamed(outcome('age', age), outcome('zstd', { code: 1, stderr: 'unexpected end' }), outcome('tar', { code: 2 })),
      'age failed with exit code 1: age: error: bad chunk',
    );
  });

  it('not what we ended ourselves', () => {
    const stopped = { stopped: true };
    assert.equal(
      blamed(outcome('sleep', { signal: 'SIGTERM' }, stopped), outcome('zstd', { code: 1 }), outcome('age')),
      'zstd failed with exit code 1.',
    );
  });

  it('who stopped reading, though it ended well', () => {
    const message = 'head stopped reading before the end of its input.';
    assert.equal(blamed(outcome('age', BROKEN), outcome('zstd', BROKEN), outcome('head')), message);
    assert.equal(blamed(outcome('age'), outcome('zstd'), outcome('head', {}, { leftInput: true })), message);
  });

  it('a code that the program accepts is no failure', () => {
    const accepting = { program: { command: 'tar', args: [], accept: [1] } };
    assert.equal(blamed(outcome('tar', { code: 1 }, accepting), outcome('zstd')), undefined);
  });

  it('a full disk has a code of its own, whoever meets it', () => {
    const full = outcome('tar', { code: 2, stderr: 'tar: x: Cannot write: No space left on device\n' });
    const culprit = findCulprit([outcome('age', BROKEN), outcome('zstd', BROKEN), full]);
    assert.equal(culprit && programFailure(culprit).code, 'no-space');
  });

  it('a full disk is known by the part of a block that tar could write, and the closing remark says nothing', () => {
    const stderr =
      '/usr/bin/tar: data/big: Wrote only 2560 of 10240 bytes\n/usr/bin/tar: Exiting with failure status due to previous errors\n';
    const culprit = findCulprit([outcome('age'), outcome('zstd'), outcome('tar', { code: 2, stderr })]);
    assert.ok(culprit);
    const { code, message } = programFailure(culprit);
    assert.deepEqual([code, message.includes('data/big'), message.includes('Exiting')], ['no-space', true, false]);
  });

  it('what pg_receivewal says last is not why the server let go of it', () => {
    const stderr =
      'pg_receivewal: error: could not receive data from WAL stream: server closed the connection unexpectedly\npg_receivewal: error: disconnected\n';
    const culprit = findCulprit([outcome('pg_receivewal', { code: 1, stderr })]);
    assert.match(culprit ? programFailure(culprit).message : '', /server closed the connection unexpectedly$/);
  });
});
