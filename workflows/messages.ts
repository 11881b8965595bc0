/** Queries, signals and updates of the workflows. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Confirming, DrilledSource, DrillReport } from '../model/drill/drill.ts';
import type { GraphStep, RunGraph, StepDecision } from '../model/graph.ts';
import type { RotationReport } from '../model/rotation.ts';
import type { RunReport, SourceReport } from '../model/run.ts';
import type { PointReport } from '../model/restore-point-run.ts';
import type { IntoReport } from '../model/into-run.ts';
import type { InPlaceReport } from '../model/in-place-run.ts';
import type { RestoreReport } from '../model/restore-run.ts';
import type { TestReport } from '../model/restore-test.ts';
import type { ThawReport } from '../model/thaw.ts';

/** How far a run has come, over all its sources. */
export const runStatus = defineQuery<RunReport>('status');

/** How far one source has come. */
export const sourceStatus = defineQuery<SourceReport>('status');

/** The steps of a run, or of one source in it: what waits for what, states, attempts, errors. */
export const runGraph = defineQuery<RunGraph>('graph');

/** Has a waiting step tried again now. @returns what was done, in words. */
export const retryStep = defineUpdate<string, [asked?: StepDecision]>('retry');

/** Has a waiting step skipped: the run goes on without it. */
export const skipStep = defineUpdate<string, [asked?: StepDecision]>('skip');

/** What an operator told the run about steps of one of its sources. */
export const decideStep = defineSignal<[what: 'retry' | 'skip', asked: StepDecision]>('decide');

/** Sent by a source to its run: a step of it has begun to wait, or waits no longer. */
export const stepChanged = defineSignal<[step: GraphStep]>('stepChanged');

/** Sent by a source to its run: the source is no longer being read, so the next phase may begin. */
export const captureEnded = defineSignal<[source: string]>('captureEnded');

/** Sent by a source to its drill: its files are there, so the next one may be restored while it starts. */
export const restoreEnded = defineSignal<[source: string]>('restoreEnded');

/** How far the restore test of one source has come. */
export const testStatus = defineQuery<TestReport>('test');

/** How far the recovery of one source in a drill has come. */
export const drilledStatus = defineQuery<DrilledSource>('drilled');

/** How far a drill has come. */
export const drillStatus = defineQuery<DrillReport>('drill');

/** Lets a phase of a drill go on that waits for somebody. @returns what was done, in words. */
export const confirmPhase = defineUpdate<string, [asked: Confirming]>('confirm');

/** How far a restore has come. */
export const restoreStatus = defineQuery<RestoreReport>('restore');

/** How far a restore in place has come. */
export const inPlaceStatus = defineQuery<InPlaceReport>('restoreInPlace');

/** How far a restore into a running server has come. */
export const intoStatus = defineQuery<IntoReport>('restoreInto');

/** How far a restore of a recovery point has come. */
export const pointStatus = defineQuery<PointReport>('restorePoint');

/** How far a rotation of keys has come. */
export const rotationStatus = defineQuery<RotationReport>('status');

/** Asks a rotation to pause after the page that it is at, or to go on. */
export const pauseRotation = defineSignal<[paused: boolean]>('pauseRotation');

/** How far a thaw has come. */
export const thawStatus = defineQuery<ThawReport>('status');

/** Sent by a run to the workflow that keeps its turn: the next run of the plan may begin. */
export const turnOver = defineSignal('turnOver');
