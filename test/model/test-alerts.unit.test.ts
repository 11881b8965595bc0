import assert from 'node:assert/strict';
import { testKeys } from '../../model/test-alerts.ts';
import type { TestReport } from '../../model/restore-test.ts';

describe('alerts of restore tests', () => {
  it('are not over with a test that was cancelled', () => {
    const cancelled: TestReport = {
      source: 'wiki',
      host: 'stack1',
      outcome: null,
      choice: null,
      proven: null,
      errors: [],
    };
    const proven: TestReport = { ...cancelled, source: 'board', outcome: 'complete' };
    assert.deepEqual([...testKeys([cancelled, proven])], ['restore-test/board']);
  });
});
