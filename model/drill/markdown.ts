/** The report of a drill as Markdown. Pure. */
import { markdownOf } from '../document/markdown.ts';
import type { DrillReport } from './drill.ts';
import { drillDocument } from './report-document.ts';

/** @param drills earlier ones to compare with, in any order. */
export function drillMarkdown(report: DrillReport, drills: readonly DrillReport[]): string {
  return markdownOf(drillDocument(report, drills));
}
