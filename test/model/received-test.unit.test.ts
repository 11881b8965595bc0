import assert from 'node:assert/strict';
import { proveInput, testReport } from '../../model/received-test.ts';
import type { TestChoice } from '../../model/restore-test.ts';

describe('what a restore test is given', () => {
  // All fields that there are: one that is not received is lost between two steps, in silence.
  const choice: Required<TestChoice> = {
    backup: { reference: 'daily/db/20261120T020000Z-full', sha256: 'a'.repeat(64) },
    place: 'vault',
    way: 'random',
    at: '2026-11-20T03:00:00.000Z',
    beyond: 'logs until 2026-11-20T04:00:00.000Z are there, and a segment is missing',
    contents: 'b'.repeat(64),
    records: [
      {
        digest: 'b'.repeat(64),
        place: 'second',
        key: 'evidence/db/20261120T020000Z-full/2026-11-21T03:00:00Z-test.json',
      },
    ],
    passed: ['second: it is away'],
  };

  it('arrives whole at the step that restores, and where it is told', () => {
    const waits = {
      deadline: 1,
      retryFirst: 1,
      retryMax: 1,
      heartbeat: 1,
      standstill: 1,
      alertAfter: 1,
      remindAfter: 1,
    };
    const step = { source: 'db', type: 'postgres', host: 'here' };
    const input = { runId: 'restore-test-2026-11-22T08:00:00Z', step, waits, choice };
    assert.deepEqual(proveInput.parse(input), input);
    const report = { source: 'db', host: 'here', outcome: null, choice, proven: null, errors: [] };
    assert.deepEqual(testReport.parse(report), report);
  });

  it('may be of a run that began before there was all of it', () => {
    const { beyond: _, records: __, ...before } = choice;
    const report = { source: 'db', host: 'here', outcome: null, choice: before, proven: null, errors: [] };
    assert.deepEqual(testReport.parse(report), report);
  });
});
