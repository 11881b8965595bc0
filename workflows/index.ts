/** Every workflow type that a worker offers. */
export { backupSource } from './backup-source.ts';
export { catchUp } from './catch-up.ts';
export { customPlan } from './custom-plan.ts';
export { dailyBackup } from './daily-backup.ts';
export { drDrill } from './dr-drill.ts';
export { drillSource } from './drill-source.ts';
export { deliverCopies } from './deliver-copies.ts';
export { monthlyArchive } from './monthly-archive.ts';
export { planTurn } from './plan-turn.ts';
export { restoreBackup } from './restore-backup.ts';
export { restorePoint } from './restore-point.ts';
export { restoreTest } from './restore-test.ts';
export { rotateKeys } from './rotate-keys.ts';
export { shipLogs } from './ship-logs.ts';
export { testSource } from './test-source.ts';
export { thawCopy } from './thaw-copy.ts';
export { weeklyBackup } from './weekly-backup.ts';
