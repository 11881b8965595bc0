import assert from 'node:assert/strict';
import { drillAlerts, drillConditions } from '../../../model/drill/alerts.ts';
import type { DrillReport } from '../../../model/drill/drill.ts';
import { PROVISION, TEAR_DOWN } from '../../../model/drill/steps.ts';
import type { GraphStep } from '../../../model/graph.ts';
import { drillReport, timedStep } from '../../support/drills.ts';

const LEFT = 'drill/left/local';

describe('what of drills is told', () => {
  it('is that plaintext was left where nobody could remove it, also of one that was cancelled', () => {
    for (const outcome of ['complete', 'failed', null] as const)
      for (const state of ['failed', 'skipped'] as const) {
        const [left, ...others] = leftOf(torn(state, { outcome }));
        assert.equal(others.length, 0);
        assert.equal(left?.key, LEFT);
        assert.match(left.message, /drill-2026-10-18T09:13:20Z .* lies on local in plaintext.*\(no worker of local\)/);
        assert.match(left.remedy, /restart the worker.*mosaic-drill-test-20261018T091320Z in /);
      }
  });

  it('is nothing of the kind before it is tried, where it was done, and where nothing was ever made', () => {
    assert.deepEqual(leftOf(drillReport({ fields: { outcome: null } })), []);
    assert.deepEqual(leftOf(torn('done')), []);
    const away = torn('failed', { steps: [{ ...timedStep({ id: PROVISION, from: 0, to: 1 }), attempts: 0 }] });
    assert.deepEqual(leftOf(away), []);
  });

  it('is over with a drill that was provisioned on the same host and torn down, not with one of which neither is known', () => {
    assert.ok(drillAlerts(torn('done')).has(LEFT));
    assert.ok(drillAlerts(torn('failed')).has(LEFT));
    assert.ok(!drillAlerts(torn('done', { host: 'other' })).has(LEFT));
    assert.ok(!drillAlerts(drillReport({ fields: { outcome: null } })).has(LEFT), 'while somebody is waited for');
    const nobody = [timedStep({ id: PROVISION, from: 0, to: 1, state: 'skipped' })];
    assert.ok(!drillAlerts(torn('done', { steps: nobody })).has(LEFT));
  });
});

function leftOf(report: DrillReport) {
  return drillConditions(report).filter(({ alert }) => alert === 'drill-left');
}

/** How its last step ended. */
function torn(state: GraphStep['state'], fields: Partial<DrillReport> = {}): DrillReport {
  const report = drillReport({ fields });
  const error = state === 'done' ? {} : { error: 'no worker of local' };
  return { ...report, steps: [...report.steps, timedStep({ id: TEAR_DOWN, from: 310, to: 320, state, ...error })] };
}
