import assert from 'node:assert/strict';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { runStep } from '../../activities/activity-work.ts';
import { BackupError } from '../../model/errors.ts';

describe('a step of Temporal', () => {
  it('that a stopping worker hands back has not failed: it says so, whatever its programs ended with', async () => {
    const stopped = environment();
    const running = stopped.run(() =>
      runStep({ waits: { standstill: 1000 } }, async (work) => {
        await aborted(work.signal).catch(() => undefined);
        throw new BackupError('aborted', 'its programs were ended');
      }),
    );
    stopped.cancel('WORKER_SHUTDOWN');
    await assert.rejects(running, { type: 'handed-back', nonRetryable: false, nextRetryDelay: 1000 });
  });

  it('that an operator cancels is cancelled, and not handed back', async () => {
    const cancelled = environment();
    const running = cancelled.run(() => runStep({}, ({ signal }) => aborted(signal)));
    cancelled.cancel('CANCELLED');
    await assert.rejects(running, CancelledFailure);
  });
});

function environment(): MockActivityEnvironment {
  return new MockActivityEnvironment({ heartbeatTimeoutMs: 1000 }, { logger: new DefaultLogger('ERROR') });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
