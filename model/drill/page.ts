/** The report of a drill as a page to print, its timeline drawn. Pure. */
import { pageOf } from '../document/html.ts';
import type { DrillReport } from './drill.ts';
import { drillDocument } from './report-document.ts';

/** @param drills earlier ones to compare with, in any order. */
export function drillPage(report: DrillReport, drills: readonly DrillReport[]): string {
  return pageOf(drillDocument(report, drills));
}
