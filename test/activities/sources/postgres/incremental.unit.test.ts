import assert from 'node:assert/strict';
import { gapIn } from '../../../../activities/sources/postgres/incremental/summaries.ts';
import { incrementalFailure } from '../../../../activities/sources/postgres/incremental/refused.ts';
import { refusalOf, sweepParents } from '../../../../activities/sources/postgres/incremental/parents.ts';
import { BackupError } from '../../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

describe('WAL summaries of a server', () => {
  const run = [
    { start: '0/100', end: '0/300' },
    { start: '0/300', end: '0/900' },
  ];

  it('leave no hole where each begins at or before the end of the one before', () => {
    assert.equal(gapIn(run, '0/200', '0/900'), null);
    assert.equal(gapIn([], '0/200', '0/200'), null);
    assert.equal(gapIn([], '0/200', '0/0'), null, 'the summarizer has not begun');
  });

  it('leave a hole at their beginning, between two, and at their end', () => {
    assert.equal(gapIn(run, '0/50', '0/900'), '0/50');
    assert.equal(gapIn([...run, { start: '0/A00', end: '0/B00' }], '0/200', '0/B00'), '0/900');
    assert.equal(gapIn(run, '0/200', '1/0'), '0/900');
    assert.equal(gapIn([], '0/200', '0/900'), '0/200');
  });
});

describe('an incremental that the server refuses', () => {
  after(cleanUp);

  function failed(stderr: string): BackupError {
    return new BackupError('program-failed', 'pg_basebackup failed', {
      facts: { program: '/usr/bin/pg_basebackup', stderr },
    });
  }

  it('is remembered until its parent is no parent any more, so that the next attempt is a full', async () => {
    const state = await temporaryFolder();
    const said =
      'pg_basebackup: error: could not initiate base backup: ERROR:  WAL summaries are required on timeline 1 from 0/1 to 0/2';
    const error = await incrementalFailure(failed(said), state, 'abc');
    assert.ok(error instanceof BackupError && error.retryable);
    assert.match((await refusalOf(state, 'abc')) ?? '', /took no incremental: WAL summaries are required/);
    await sweepParents(state, 'abc');
    assert.notEqual(await refusalOf(state, 'abc'), undefined);
    await sweepParents(state, 'def');
    assert.equal(await refusalOf(state, 'abc'), undefined);
  });

  it('is not seen in a failure of another kind', async () => {
    const state = await temporaryFolder();
    const error = failed(
      'pg_basebackup: write-ahead log start point: 0/2 on timeline 1\npg_basebackup: error: connection to server was lost',
    );
    assert.equal(await incrementalFailure(error, state, 'abc'), error);
    assert.equal(await refusalOf(state, 'abc'), undefined);
  });
});
