/** The surroundings of an operation under test: no Temporal, reports kept, cancelled by the test. */
import type { ProgressReport, Work } from '../../activities/work.ts';

export interface TestWork extends Work {
  /** Every progress report so far. */
  readonly reports: readonly ProgressReport[];
  /** Every log line so far, as `level message facts`. */
  readonly logged: readonly string[];
  /** Cancels the work. */
  abort(): void;
}

/** Work that nobody watches. `standstill` is in ms. */
export function testWork(options: { readonly standstill?: number } = {}): TestWork {
  const controller = new AbortController();
  const reports: ProgressReport[] = [];
  const logged: string[] = [];
  const log =
    (level: string) =>
    (facts: object, message: string): void => {
      logged.push(`${level} ${message} ${JSON.stringify(facts)}`);
    };
  return {
    signal: controller.signal,
    progress: (report) => void reports.push(report),
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    standstill: options.standstill ?? 30_000,
    reports,
    logged,
    abort: () => controller.abort(),
  };
}
