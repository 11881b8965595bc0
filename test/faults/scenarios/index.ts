/** All scenarios, kind by kind. */
import type { Scenario } from '../scenario.ts';
import { canary } from './canary.ts';
import { clock } from './clock.ts';
import { damage } from './damage.ts';
import { drillKilled } from './drill-killed.ts';
import { graphKilled } from './graph-killed.ts';
import { phases } from './phases.ts';
import { runs } from './runs.ts';
import { shipping } from './shipping.ts';
import { source } from './source.ts';
import { storage } from './storage.ts';
import { temporal } from './temporal.ts';
import { temporalAway } from './temporal-away.ts';
import { workerKilled } from './worker-killed.ts';
import { zombie } from './zombie.ts';

export const scenarios: readonly Scenario[] = [
  ...workerKilled,
  ...graphKilled,
  ...drillKilled,
  ...zombie,
  ...temporal,
  ...temporalAway,
  ...clock,
  ...phases,
  ...source,
  ...storage,
  ...damage,
  ...runs,
  ...shipping,
  ...canary,
];
