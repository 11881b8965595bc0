import assert from 'node:assert/strict';
import { graphText, liveText } from '../../../client/cli/runs/graph-text.ts';
import { pendingStep, runSteps, sourceSteps } from '../../../model/graph.ts';
import type { SourceStep } from '../../../model/run.ts';

describe('the graph of a run as text', () => {
  it('has its steps in the order in which they are done, hooks of the plan around all others', () => {
    const wiki: SourceStep = {
      source: 'wiki',
      type: 'files',
      group: 'apps',
      host: 'here',
      tier: 'daily',
      destinations: ['vault'],
    };
    const ofRun = runSteps({
      phases: [{ group: 'apps', steps: [wiki] }],
      retention: true,
      hooks: ['before', 'after'],
    });
    const steps = [pendingStep('plan', 'plan', 'read the config'), ...sourceSteps(wiki), ...ofRun];
    const text = graphText({ runId: 'daily-1', outcome: null, state: 'running', steps }, 0);
    assert.deepEqual(
      text.split('\n').map((line) => line.replace(/^[ ·]+/, '').replace(/: pending$/, '')),
      [
        'daily-1: running',
        'plan',
        'hooks before',
        'wiki',
        'capture',
        'copy to vault',
        'verify',
        'recovery point',
        'retention',
        'hooks after',
      ],
    );
    // Where there is little room, what has not begun is a line.
    const live = liveText({ runId: 'daily-1', outcome: null, state: 'running', steps }, 0, 8);
    assert.deepEqual(live.split('\n').slice(3, 5), ['  · wiki: pending', '  · recovery point: pending']);
    const waiting = steps.map((step) => (step.id === 'wiki/capture' ? { ...step, state: 'waiting' as const } : step));
    const whole = liveText({ runId: 'daily-1', outcome: null, state: 'running', steps: waiting }, 0, 8);
    assert.match(whole, /^ {4}! capture: waiting$/m);
    const byId = new Map(steps.map((step) => [step.id, step]));
    assert.deepEqual(byId.get('plan/hooks-after')?.after, ['recovery-point', 'retention/here']);
  });
});
