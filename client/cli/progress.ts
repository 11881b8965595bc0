/** Progress of one piece of work: a line that is redrawn on a terminal, else a plain line now and then. */
import type { ProgressReport } from '../../activities/work.ts';
import { formatBytes, formatDuration } from '../../model/units.ts';
import type { Output } from './output.ts';

/** Milliseconds between two drawings, on a terminal and without one. */
const REDRAW = 100;
const PLAIN = 10_000;
/** Work that is shorter needs no plain lines at all. */
const SHORT = 2_000;

/** @param of what the work is for, where several go on beside each other or after one another. */
export function progressPrinter(out: Output, of?: string): (report: ProgressReport) => void {
  const started = Date.now();
  let printed = out.interactive ? 0 : started;
  let phase = '';
  return function progress(report) {
    const now = Date.now();
    const due = now - printed >= (out.interactive ? REDRAW : PLAIN);
    const isNew = report.phase !== phase && (out.interactive || now - started >= SHORT);
    if (!due && !isNew) return;
    printed = now;
    phase = report.phase;
    const line = `${of === undefined ? '' : `${of}: `}${progressLine(report, now - started)}`;
    if (out.interactive) out.redraw(line);
    else out.note(line);
  };
}

/** `copying  1.2 GiB of 3.0 GiB, 40 %, 12s`; `recovering, 12s` */
export function progressLine({ phase, bytes, total }: ProgressReport, elapsed: number): string {
  const share = total === null || total <= 0 ? '' : `, ${Math.min(100, Math.floor((bytes / total) * 100))} %`;
  const took = formatDuration(elapsed);
  // Where a server works no bytes move; "0 B" would look like a standstill.
  if (total === null && bytes === 0) return `${phase}, ${took}`;
  const moved = total === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total)}`;
  return `${phase}  ${moved}${share}, ${took}`;
}
