/** How the steps of a restore in place ship and capture: as a run that nobody scheduled. */

/** How long, in milliseconds, another capture or shipping of the source is waited for. */
export const BUSY = 600_000;

/** A run that begins now. */
export function runOf(source: string): { readonly runId: string; readonly scheduled: string } {
  const scheduled = `${new Date().toISOString().slice(0, 19)}Z`;
  return { runId: `in-place-${source}-${scheduled}`, scheduled };
}
