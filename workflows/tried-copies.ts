/** The copies that a restore tried, as its failure tells them. */
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { TriedCopies } from '../model/drill/drill.ts';

/** Null where it tells of none. */
export function triedIn(error: unknown): TriedCopies | null {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const details: unknown = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  if (!isRecord(details) || !isRecord(details['facts'])) return null;
  const passed = textsOf(details['facts']['passed']);
  return passed.length === 0 ? null : { passed, damaged: textsOf(details['facts']['damaged']) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
