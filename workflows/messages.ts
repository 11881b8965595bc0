/** Queries and signals of the workflows. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { RotationReport } from '../model/rotation.ts';
import type { RunReport, SourceReport } from '../model/run.ts';
import type { ThawReport } from '../model/thaw.ts';

/** How far a run has come, over all its sources. */
export const runStatus = defineQuery<RunReport>('status');

/** How far one source has come. */
export const sourceStatus = defineQuery<SourceReport>('status');

/** Sent by a source to its run: the source is no longer being read, so the next phase may begin. */
export const captureEnded = defineSignal<[source: string]>('captureEnded');

/** How far a rotation of keys has come. */
export const rotationStatus = defineQuery<RotationReport>('status');

/** Asks a rotation to pause after the page that it is at, or to go on. */
export const pauseRotation = defineSignal<[paused: boolean]>('pauseRotation');

/** How far a thaw has come. */
export const thawStatus = defineQuery<ThawReport>('status');
