import assert from 'node:assert/strict';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { runStep } from '../../activities/activity-work.ts';
import { BackupError } from '../../model/errors.ts';

const WAITS = { retryFirst: 100, retryMax: 1000, heartbeat: 1000, standstill: 1000 };
const DEADLINE = 7_200_000;

describe('a step of Temporal', () => {
  it('that a stopping worker hands back has not failed, and the next attempt is told by its last heartbeat', async () => {
    const stopped = environment({ attempt: 1 });
    const beats: unknown[] = [];
    stopped.on('heartbeat', (details: unknown) => beats.push(details));
    const running = stopped.run(() =>
      runStep({ waits: WAITS, deadline: DEADLINE }, async (work) => {
        work.progress({ phase: 'reading', bytes: 7, total: null, activity: 1 });
        await aborted(work.signal);
        throw new BackupError('aborted', 'its programs were ended');
      }),
    );
    stopped.cancel('WORKER_SHUTDOWN');
    await assert.rejects(running, { type: 'handed-back', nonRetryable: false, nextRetryDelay: 1000 });
    assert.deepEqual(beats.at(-1), { phase: 'reading', bytes: 7, total: null, activity: 1, handedBack: true });
  });

  it('that an operator cancels is cancelled, and not handed back', async () => {
    const cancelled = environment({ attempt: 1 });
    const running = cancelled.run(() => runStep({}, ({ signal }) => aborted(signal)));
    cancelled.cancel('CANCELLED');
    await assert.rejects(running, CancelledFailure);
  });

  it('beyond its deadline goes on only where it was handed back: where workers died it has failed', async () => {
    const late = Date.now() - DEADLINE - 60_000;
    const died = environment({
      attempt: 2,
      scheduledTimestampMs: late,
      heartbeatDetails: { phase: 'reading', bytes: 7 },
    });
    await assert.rejects(
      died.run(() => runStep({ waits: WAITS, deadline: DEADLINE }, async () => 'made')),
      { nonRetryable: true, message: /the worker died at this step/ },
    );
    const handed = environment({ attempt: 2, scheduledTimestampMs: late, heartbeatDetails: { handedBack: true } });
    assert.equal(await handed.run(() => runStep({ waits: WAITS, deadline: DEADLINE }, async () => 'made')), 'made');
  });
});

function environment(info: ConstructorParameters<typeof MockActivityEnvironment>[0]): MockActivityEnvironment {
  const logger = new DefaultLogger('ERROR');
  return new MockActivityEnvironment(
    { heartbeatTimeoutMs: 1000, scheduledTimestampMs: Date.now(), ...info },
    { logger },
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
