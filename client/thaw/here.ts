/** A thaw in this process, without Temporal: the same looks. A kill costs nothing: the same again joins what was asked for. */
import { setTimeout as pause } from 'node:timers/promises';
import { thawStep } from '../../activities/operations/thaw/step.ts';
import type { Site } from '../../activities/site.ts';
import type { Work } from '../../activities/work.ts';
import { BackupError } from '../../model/errors.ts';
import type { StepError } from '../../model/run.ts';
import { isThawed, type ThawFacts, type ThawReport } from '../../model/thaw.ts';
import type { ThawPlan } from './plan.ts';

export interface ThawHere extends Pick<ThawPlan, 'input' | 'waits'> {
  readonly site: Site;
  readonly work: Work;
  readonly onProgress: (report: ThawReport) => void;
}

/** Null where it was ended by ^C. @throws BackupError before anything was asked for, or what no further look heals. */
export async function thawHere({ site, input, waits, work, onProgress }: ThawHere): Promise<ThawReport | null> {
  const started = Date.now();
  let facts: ThawFacts | null = null;
  let error: StepError | null = null;
  for (;;) {
    try {
      facts = await thawStep({ site, input, work });
      error = null;
    } catch (cause) {
      if (work.signal.aborted) return null;
      if (facts === null || !(cause instanceof BackupError) || !cause.retryable) throw cause;
      error = { step: 'thaw', code: cause.code, message: cause.message, remedy: cause.remedy ?? null };
    }
    const complete = error === null && isThawed(facts);
    const report = reportOf(complete);
    onProgress(report);
    if (complete) return report;
    try {
      await pause(waits.interval, undefined, { signal: work.signal });
    } catch (cause) {
      if (work.signal.aborted) return null;
      throw cause;
    }
  }

  function reportOf(complete: boolean): ThawReport {
    const promised = started + waits.promised;
    return {
      ...input,
      started: new Date(started).toISOString(),
      promised: new Date(promised).toISOString(),
      facts,
      error,
      late: !complete && Date.now() > promised,
      outcome: complete ? 'complete' : null,
    };
  }
}
