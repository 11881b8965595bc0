/** The table that a run ends with, by what it did. */
import type { RunReport } from '../../model/run.ts';
import { COPIES_COLUMNS, copiesRows } from '../runs/copies-result.ts';
import { DRILL_COLUMNS, drillRows } from '../runs/drill-result.ts';
import { LOGS_COLUMNS, logsRows } from '../runs/logs-result.ts';
import { TEST_COLUMNS, testRows } from '../runs/test-result.ts';
import { RUN_COLUMNS, runRows } from '../runs/result.ts';
import { table } from './output.ts';

export function closingTable(plan: string, report: RunReport): string {
  if (report.destinations)
    return table(COPIES_COLUMNS, copiesRows(report.destinations), ['backups owed', 'bytes', 'records']);
  if (report.drill) return table(DRILL_COLUMNS, drillRows(report.drill), ['restored in', 'RTO', 'RPO']);
  if (report.tests) return table(TEST_COLUMNS, testRows(report.tests), ['restored', 'in', 'checked in']);
  if (plan === 'logs') return table(LOGS_COLUMNS, logsRows(report), ['stored', 'time']);
  return table(RUN_COLUMNS, runRows(report), ['stored', 'ratio', 'time']);
}
