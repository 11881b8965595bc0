import assert from 'node:assert/strict';
import { ServiceError } from '@temporalio/client';
import { patiently } from '../../../client/temporal/patiently.ts';
import { isBackupError } from '../../support/errors.ts';

describe('a question to a Temporal that is not ready yet', () => {
  it('is asked again while it may pass, and no longer', async () => {
    let asked = 0;
    const answer = await patiently(async () => {
      asked += 1;
      if (asked < 3) throw unready(14);
      return 'answer';
    });
    assert.deepEqual([answer, asked], ['answer', 3]);
    const why = await isBackupError(
      patiently(() => Promise.reject(unready(4)), 0),
      'unreachable',
    );
    assert.match(why.message, /not ready/);
  });

  it('is asked once where the answer is no', async () => {
    let asked = 0;
    const refused = unready(7);
    const answer = patiently(() => {
      asked += 1;
      return Promise.reject(refused);
    });
    await assert.rejects(answer, (error) => error === refused);
    assert.equal(asked, 1);
  });
});

/** As the client has it: a failure of gRPC below one of its own. */
function unready(code: number): ServiceError {
  const cause = Object.assign(new Error('not ready'), { code, details: 'not ready', metadata: {} });
  return new ServiceError('Failed to describe schedule', { cause });
}
